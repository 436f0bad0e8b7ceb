/// Every Protobuf message of Dunlin, ready to travel between actors. CAF needs no type-id block for
/// them, because no message crosses a process through CAF's own wire (decision 0002).
#pragma once

#include "messages/dunlin/v1/cache.pb.h"
#include "messages/dunlin/v1/common.pb.h"
#include "messages/dunlin/v1/link.pb.h"
#include "messages/dunlin/v1/node.pb.h"
#include "messages/dunlin/v1/partition.pb.h"
#include "messages/dunlin/v1/raft.pb.h"
#include "messages/dunlin/v1/storage.pb.h"
#include "messages/dunlin/v1/stored.pb.h"
#include "messages/protobuf_inspect.hpp"
