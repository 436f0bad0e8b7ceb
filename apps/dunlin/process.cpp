#include "apps/dunlin/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace dunlin::commands {

namespace fs = std::filesystem;

static std::string slurp(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::optional<process_record> identify(pid_t pid) {
  const auto stat = slurp(fmt::format("/proc/{}/stat", pid));
  // The second field is the program's name in parentheses and may contain anything.
  const auto paren = stat.rfind(')');
  if (paren == stat.npos) return {};
  std::istringstream fields{stat.substr(paren + 1)};
  std::string state, skipped;
  fields >> state;
  if (state == "Z" || state == "X") return {};
  constexpr auto fields_between_state_and_start = 18;
  for (int i = 0; i < fields_between_state_and_start; ++i)
    fields >> skipped;
  process_record record{pid, 0};
  if (!(fields >> record.start_ticks)) return {};
  return record;
}

std::vector<std::string> command_line(pid_t pid) {
  std::vector<std::string> words;
  std::istringstream text{slurp(fmt::format("/proc/{}/cmdline", pid))};
  for (std::string word; std::getline(text, word, '\0');)
    words.push_back(word);
  return words;
}

std::optional<process_record> read_pid_file(const std::string& path) {
  std::ifstream in{path};
  process_record record;
  if (!(in >> record.pid >> record.start_ticks) || record.pid <= 1) return {};
  return record;
}

bool write_pid_file(const std::string& path, const process_record& record) {
  const auto fresh = path + ".new";
  {
    std::ofstream out{fresh, std::ios::trunc};
    out << record.pid << " " << record.start_ticks << "\n";
    if (!out.flush()) return false;
  }
  std::error_code error;
  fs::rename(fresh, path, error);
  return !error;
}

bool running(const process_record& record, const std::vector<std::string>& words) {
  if (identify(record.pid) != record) return false;
  const auto line = command_line(record.pid);
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(line.begin(), line.end(), word) != line.end();
  });
}

bool redirect_output(const std::string& path) {
  const auto in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto out = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (in < 0 || out < 0) return false;
  return ::dup2(in, 0) >= 0 && ::dup2(out, 1) >= 0 && ::dup2(out, 2) >= 0;
}

std::optional<process_record> spawn(const spawn_options& options) {
  std::vector<char*> arguments;
  for (const auto& word : options.command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto pid = ::fork();
  if (pid < 0) return {};
  if (pid == 0) {
    ::setsid();  // Ctrl-C reaches the supervisor only, which then drains the nodes
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (redirect_output(options.log)) ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  return identify(pid).value_or(process_record{pid, 0});
}

std::string own_binary() {
  std::error_code error;
  auto path = fs::read_symlink("/proc/self/exe", error).string();
  // A rebuild replaces the file under a running program; the new one is at the same place.
  if (constexpr std::string_view gone = " (deleted)"; path.ends_with(gone))
    path.resize(path.size() - gone.size());
  return path;
}

}  // namespace dunlin::commands
