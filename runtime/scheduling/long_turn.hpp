/// LONG TURN: says that the present turn of an actor goes on for long.
#pragma once

namespace dunlin::scheduling {

/// What this turn has sent so far must not wait until it is over: from about 100 us on. Costs next
/// to nothing; on threads that run no actors, and in simulation, nothing happens.
void others_may_go_on();

}  // namespace dunlin::scheduling
