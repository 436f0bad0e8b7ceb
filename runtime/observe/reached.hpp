/// REACHED: "sometimes" assertions. A place that a long simulation must pass now and then says so;
/// what was never reached was never tested (FoundationDB calls these code probes). One relaxed
/// addition where it stands, in every build. All in the header, so that pure cores may use it.
///
///   if (retired) DUNLIN_REACHED("wal.segment_recycled");
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin {

class reached_place {
public:
  /// `name` is a literal; places register themselves before main, so that those never passed are
  /// known too.
  explicit reached_place(const char* name) : name_(name) { all().push_back(this); }
  void pass() { times_.fetch_add(1, std::memory_order_relaxed); }
  const char* name() const { return name_; }
  std::uint64_t times() const { return times_.load(std::memory_order_relaxed); }

  /// Of this process. Grows only before main.
  static std::vector<reached_place*>& all() {
    static std::vector<reached_place*> places;
    return places;
  }

private:
  const char* name_;
  std::atomic<std::uint64_t> times_{0};
};

/// Times passed since the process began, of every place in it, by name.
inline std::map<std::string, std::uint64_t> reached_places() {
  std::map<std::string, std::uint64_t> all;
  for (const auto* one : reached_place::all())
    all[one->name()] += one->times();
  return all;
}

/// One object per name, made before main: a static member of a template instance.
template <std::size_t Size>
struct place_name {
  char text[Size];
  constexpr place_name(const char (&literal)[Size]) {  // NOLINT: a literal is what it is for
    for (std::size_t i = 0; i < Size; ++i)
      text[i] = literal[i];
  }
};
template <place_name Name>
struct reached_at {
  static inline reached_place place{Name.text};
};

}  // namespace dunlin

#define DUNLIN_REACHED(name) ::dunlin::reached_at<name>::place.pass()
