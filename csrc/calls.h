// From tensors to the structs of bodies.h: checks, memory layout, outputs, scratch memory, stream.
#pragma once

#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/util/BFloat16.h>
#include <torch/headeronly/util/Half.h>

#include <optional>
#include <tuple>

#include "bodies.h"

namespace nada::calls {

using torch::headeronly::MemoryFormat;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;
using Optional = std::optional<Tensor>;

inline Type type_of(const Tensor& x) {
  switch (x.scalar_type()) {
    case ScalarType::Float: return Type::f32;
    case ScalarType::Double: return Type::f64;
    case ScalarType::Half: return Type::f16;
    case ScalarType::BFloat16: return Type::bf16;
    default: STD_TORCH_CHECK(false, "nada's operators take float32, float64, float16 and bfloat16 tensors."); return Type::f32;
  }
}

// The bound as a result of x's type holds it. Backward passes find out from the stored result whether it was clamped.
inline double stored(double clamp, const Tensor& x) {
  const float bound = static_cast<float>(clamp);
  if (x.scalar_type() == ScalarType::Half) return static_cast<float>(torch::headeronly::Half(bound));
  if (x.scalar_type() == ScalarType::BFloat16) return static_cast<float>(torch::headeronly::BFloat16(bound));
  return x.scalar_type() == ScalarType::Float ? bound : clamp;
}

inline ScalarType accumulated(const Tensor& x) {
  return x.scalar_type() == ScalarType::Double ? ScalarType::Double : ScalarType::Float;
}

// Dense in the order of its dimensions, or with the channels last; a tensor that is both counts as the first.
inline bool has_channels_last(const Tensor& x) {
  return x.dim() == 4 && !x.is_contiguous() && x.stride(1) == 1;
}

inline Tensor dense(const Tensor& x, bool channels_last) {
  return torch::stable::contiguous(x, channels_last ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous);
}

inline void check_device(const Tensor& x, const Tensor& other) {
  STD_TORCH_CHECK(x.device() == other.device(), "nada: all tensors of an operator must be on the same device.");
}

// A small tensor in the type that `beside` is computed in.
inline Tensor small(const Tensor& x, const Tensor& beside) {
  check_device(x, beside);
  const ScalarType type = accumulated(beside);
  const Tensor same = x.scalar_type() == type ? x : torch::stable::to(x, type);
  return same.is_contiguous() ? same : torch::stable::contiguous(same);
}

inline Optional small(const Optional& x, const Tensor& beside) {
  return x.has_value() ? Optional(small(*x, beside)) : std::nullopt;
}

inline const void* pointer(const Optional& x) { return x.has_value() ? x->const_data_ptr() : nullptr; }

inline Tensor make(const Tensor& like, torch::headeronly::IntHeaderOnlyArrayRef shape, ScalarType type,
                   bool channels_last = false) {
  const auto format = channels_last ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous;
  return torch::stable::empty(shape, type, std::nullopt, like.device(), std::nullopt, format);
}

// Of the shape and type of x, with strides that follow from the shape alone.
inline Tensor make_like(const Tensor& x, bool channels_last) { return make(x, x.sizes(), x.scalar_type(), channels_last); }

inline void check_image(const Tensor& x, const char* op) {
  STD_TORCH_CHECK(x.dim() == 4, "nada::", op, " takes an (N, C, H, W) tensor, got ", x.dim(), " dimensions.");
}

inline void check_size(const Optional& x, int64_t size, const char* what) {
  STD_TORCH_CHECK(!x.has_value() || x->numel() == size, "nada: ", what, " has ", x.has_value() ? x->numel() : 0,
                  " numbers where ", size, " are needed.");
}

inline void check_shape(const Optional& x, std::initializer_list<int64_t> shape, const char* what) {
  if (!x.has_value()) return;
  bool fits = x->dim() == static_cast<int64_t>(shape.size());
  int64_t i = 0;
  for (const int64_t size : shape) fits = fits && x->size(i++) == size;
  STD_TORCH_CHECK(fits, "nada: ", what, " has another shape than the tensor beside it asks for.");
}

inline void check_gradient(const Tensor& dy, const Tensor& y, const char* op) {
  check_device(dy, y);
  STD_TORCH_CHECK(dy.numel() == y.numel() && dy.scalar_type() == y.scalar_type(), "nada::", op,
                  ": the gradient does not fit what it is the gradient of.");
}

// At least one, and as many as a fused filter can have.
inline void check_taps(const Tensor& taps) {
  STD_TORCH_CHECK(taps.dim() == 1 && taps.numel() >= 1 && taps.numel() <= kMaxTaps,
                  "nada: a fused filter has one dimension and 1 to ", kMaxTaps, " taps.");
}

// Keeps the device of x current, and knows its stream, while a body runs.
template <const Bodies& bodies>
struct OnDevice;

template <>
struct OnDevice<cpu_bodies> {
  explicit OnDevice(const Tensor&) {}
  Stream stream = nullptr;
};

#if defined(NADA_CUDA)
template <>
struct OnDevice<cuda_bodies> {
  explicit OnDevice(const Tensor& x) : guard(x.get_device_index()) {
#if TORCH_FEATURE_VERSION >= TORCH_VERSION_2_13_0
    stream = torch::stable::accelerator::getCurrentStream(x.get_device_index()).nativeHandle();
#else
    STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(x.get_device_index(), &stream));
#endif
  }
  torch::stable::accelerator::DeviceGuard guard;
  Stream stream = nullptr;
};
#elif defined(NADA_EMULATED)
template <>
struct OnDevice<cuda_bodies> {
  explicit OnDevice(const Tensor&) {}
  Stream stream = nullptr;
};
#endif

}  // namespace nada::calls
