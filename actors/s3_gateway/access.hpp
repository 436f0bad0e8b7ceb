/// ACCESS: whether the user who signed a request may do what it asks for
/// (docs/decisions/0012). Users, their policies and buckets come from near caches; before the
/// answer is no, all of them are confirmed at their leaders, once (decision 16).
#pragma once

#include "actors/s3_gateway/context.hpp"
#include "runtime/policy/document.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::s3 {

/// What is wanted, as policies name it.
struct permission {
  std::string_view action;
  std::string resource;  ///< an ARN
};
/// Of all operations but delete_objects, which wants one for each key.
permission permission_of(operation what, const target& where);

bool on_a_bucket(operation what);

/// Throws AccessDenied unless the user may do context::what. Of delete_objects each key is another
/// matter: may_each().
task<void> authorize(context& c);

/// Of each, whether the user may. `own`: it is about what is the user's, as an owner's bucket is.
task<std::vector<bool>> may_each(context& c, std::vector<permission> wanted, bool own = false);

/// What the decision rests on, as it is known; `sure`: as the leaders say from now on.
struct gathered {
  policy::grounds grounds;
  bool sure = true;  ///< a "no" needs no second look
};
task<gathered> gather(context& c, bool sure);

/// AccessDenied, with who may not do what.
failure denied(const context& c, const permission& wanted);

}  // namespace dunlin::s3
