#include "apps/assembly/run_node.hpp"
#include "apps/dunlin/commands.hpp"

int main(int argc, char** argv) {
  return dunlin::commands::dispatch(argc, argv, dunlin::assembly::run_node);
}
