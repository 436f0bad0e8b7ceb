/// BALANCE RECORDER: where the decisions of an access node are written (X4), so that they can be
/// checked and asked what-if. Beside the actor's turns: record() returns at once.
#pragma once

#include "messages/dunlin/v1/balance.pb.h"

namespace dunlin {

class balance_recorder {
public:
  virtual ~balance_recorder() = default;
  virtual void record(const v1::BalanceRecord& what) = 0;
};

}  // namespace dunlin
