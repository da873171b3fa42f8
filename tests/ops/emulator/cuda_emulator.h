// Runs CUDA kernels on a CPU, so that a test without a GPU can run the very sources: include it before them and compile as
// C++. The threads of a block are fibers of one thread, switched at barriers; blocks follow each other.
//
// What it finds beside wrong results: shared memory that is read before it is written (it starts as NaN), a barrier that
// not all threads reach, a vector access at an address that is no multiple of its size, writes beside a shared variable,
// too much shared memory. The order of the threads turns round from one stretch between barriers to the next, so that a
// missing barrier shows.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "cuda_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct Place {
  unsigned x = 0;
};
inline Place threadIdx, blockIdx, blockDim, gridDim;

using cudaStream_t = void*;
enum cudaError_t { cudaSuccess };
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "no error"; }

namespace emulator {

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "emulator: %s (thread %u of block %u)\n", what, threadIdx.x, blockIdx.x);
  std::abort();
}

constexpr size_t kSharedLimit = 48 * 1024, kGuard = 64, kStack = 64 * 1024;
constexpr unsigned char kPoison = 0xFF;  // NaN in every type

// A stack of its own. Contexts start it, once; jumps, which ask nothing of the system, go in and out of it.
struct Fiber {
  jmp_buf inside;
  std::unique_ptr<char[]> stack{new char[kStack]};
  bool started = false, done;
  size_t variables;  // shared variables met so far
};

struct Block {
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<std::pair<unsigned char*, size_t>> variables;
  alignas(64) unsigned char memory[2 * kSharedLimit];
  size_t used = 0;
  jmp_buf scheduler;
  Fiber* current = nullptr;
  std::function<void()> body;
};
inline Block block;

// The k-th shared variable that a thread meets is the same for all threads of the block.
template <typename T>
T& shared() {
  const size_t index = block.current->variables++;
  if (index == block.variables.size()) {
    const size_t size = (sizeof(T) + 63) / 64 * 64;
    if (block.used + sizeof(T) > kSharedLimit) fail("more than 48 KiB of shared memory");
    block.variables.emplace_back(block.memory + block.used, sizeof(T));
    block.used += size + kGuard;
  }
  if (block.variables[index].second != sizeof(T)) fail("threads differ in their shared variables");
  return *reinterpret_cast<T*>(block.variables[index].first);
}

inline void check_guards() {
  for (const auto& [start, size] : block.variables)
    for (size_t i = size; i < (size + 63) / 64 * 64 + kGuard; ++i)
      if (start[i] != kPoison) fail("a write behind a shared variable");
}

// Back to the scheduler, until the fiber is resumed.
[[gnu::noinline]] inline void leave() {
  if (_setjmp(block.current->inside) == 0) _longjmp(block.scheduler, 1);
}

// The life of a fiber: one thread of one block after the other.
inline void live() {
  for (;;) {
    block.body();
    block.current->done = true;
    leave();
  }
}

[[gnu::noinline]] inline void start(Fiber& fiber) {
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack.get(), context.uc_stack.ss_size = kStack, context.uc_link = nullptr;
  makecontext(&context, live, 0);
  fiber.started = true;
  setcontext(&context);
}

[[gnu::noinline]] inline void resume(Fiber& fiber) {
  if (_setjmp(block.scheduler) != 0) return;
  block.current = &fiber;
  if (fiber.started) _longjmp(fiber.inside, 1);
  start(fiber);
}

// Lets every thread run to the next barrier, or to its end; true once all have ended.
inline bool run_stretch(unsigned threads, bool backwards) {
  unsigned ended = 0;
  for (unsigned i = 0; i < threads; ++i) {
    threadIdx.x = backwards ? threads - 1 - i : i;
    resume(*block.fibers[threadIdx.x]);
    ended += block.current->done;
  }
  if (ended != 0 && ended != threads) fail("a barrier that not all threads reach");
  return ended == threads;
}

inline void run_block(unsigned threads) {
  std::memset(block.memory, kPoison, sizeof(block.memory));
  block.variables.clear(), block.used = 0;
  while (block.fibers.size() < threads) block.fibers.push_back(std::make_unique<Fiber>());
  for (unsigned i = 0; i < threads; ++i) block.fibers[i]->done = false, block.fibers[i]->variables = 0;
  for (bool backwards = blockIdx.x % 2; !run_stretch(threads, backwards);) backwards = !backwards;
  check_guards();
}

template <typename... Wanted, typename... Given>
void launch(void (*kernel)(Wanted...), unsigned blocks, int threads, void*, Given... args) {
  if (threads < 1 || threads > 1024) fail("a block of so many threads cannot be");
  gridDim.x = blocks, blockDim.x = static_cast<unsigned>(threads);
  block.body = [&] { kernel(args...); };
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) run_block(blockDim.x);
}

}  // namespace emulator

inline void __syncthreads() { emulator::leave(); }

template <typename T>
T __ldg(const T* from) {
  if (reinterpret_cast<uintptr_t>(from) % sizeof(T)) emulator::fail("a read at an address that does not suit its size");
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
