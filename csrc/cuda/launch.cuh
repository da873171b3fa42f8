// How a kernel is started, with its errors, and what differs between nvcc and the tests' emulator.
#pragma once

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
// A variable that the threads of a block share.
#define NADA_SHARED(type, name) __shared__ type name
#else  // tests/ops/emulator/cuda_emulator.h stands before this file
#define NADA_SHARED(type, name) type& name = emulator::shared<type>()
#endif

#include <cstdint>

#include "../bodies.h"

namespace nada::cuda {

template <typename Integer>
__host__ __device__ __forceinline__ constexpr Integer div_up(Integer a, Integer b) {
  return (a + b - 1) / b;
}

template <typename Integer>
__host__ __device__ __forceinline__ constexpr Integer least(Integer a, Integer b) {
  return a < b ? a : b;
}

// The smallest power of two that is not below `value`, at most `limit` (a power of two itself).
inline int power_of_two(int64_t value, int limit) {
  int power = 1;
  while (power < value && power < limit) power *= 2;
  return power;
}

// Throws std::runtime_error. In bodies.cu: its headers would be read for every architecture of every other file.
[[noreturn]] void fail(const char* op, const char* why);

// Runs kernel(args...) with a one-dimensional grid. Nothing waits for it, so that a CUDA graph can record it.
template <typename... Wanted, typename... Given>
void launch(const char* op, void (*kernel)(Wanted...), int64_t blocks, int threads, Stream stream, Given... args) {
  if (blocks <= 0) return;
  if (blocks > INT32_MAX) fail(op, "the tensor is too large for one launch");
#if defined(__CUDACC__)
  kernel<<<static_cast<unsigned>(blocks), threads, 0, static_cast<cudaStream_t>(stream)>>>(args...);
#else
  emulator::launch(kernel, static_cast<unsigned>(blocks), threads, stream, args...);
#endif
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) fail(op, cudaGetErrorString(error));
}

template <typename T>
struct Tag {
  using type = T;
};

// Calls run(Tag<T>{}) with the type that large tensors are stored in.
template <class Run>
void with_type(Type type, Run run) {
  switch (type) {
    case Type::f32: return run(Tag<float>{});
    case Type::f64: return run(Tag<double>{});
    case Type::f16: return run(Tag<__half>{});
    case Type::bf16: return run(Tag<__nv_bfloat16>{});
  }
}

// Whether 16 bytes can be read at each of these addresses; a missing tensor does not matter.
template <typename... Pointers>
bool aligned(Pointers... pointers) {
  return (((reinterpret_cast<uintptr_t>(pointers) % 16) == 0) && ...);
}

}  // namespace nada::cuda
