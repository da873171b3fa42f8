// Bias, activation, gain and clamp.
#include "../formulas.h"
#include "functions.h"
#include "walk.cuh"

namespace nada::cuda {

template <typename T>
struct BiasActArgs {
  const T* x;
  const T* reference;
  const Compute<T>* bias;
  T* y;
  Activation act;
  Compute<T> alpha, gain, clamp, inverse;  // inverse of the gain
  bool vector;
};

// One choice for a vector of elements: the branch is the same for the whole launch.
template <Activation act, bool derivative, int V, typename A>
__device__ __forceinline__ void each(A (&v)[V], A alpha) {
#pragma unroll
  for (int j = 0; j < V; ++j) v[j] = derivative ? slope<act>(v[j], alpha) : activate<act>(v[j], alpha);
}

// Replaces values by their activations, or what `slope` takes by the derivative.
template <bool derivative, int V, typename A>
__device__ __forceinline__ void each(Activation act, A (&v)[V], A alpha) {
  switch (act) {
    case Activation::linear: return each<Activation::linear, derivative>(v, alpha);
    case Activation::relu: return each<Activation::relu, derivative>(v, alpha);
    case Activation::lrelu: return each<Activation::lrelu, derivative>(v, alpha);
    case Activation::tanh: return each<Activation::tanh, derivative>(v, alpha);
    case Activation::sigmoid: return each<Activation::sigmoid, derivative>(v, alpha);
    case Activation::elu: return each<Activation::elu, derivative>(v, alpha);
    case Activation::selu: return each<Activation::selu, derivative>(v, alpha);
    case Activation::softplus: return each<Activation::softplus, derivative>(v, alpha);
    case Activation::swish: return each<Activation::swish, derivative>(v, alpha);
  }
}

// What both directions have in common: the bias of the thread's line.
template <typename T, bool last_>
struct BiasActLine {
  using A = Compute<T>;
  using Args = BiasActArgs<T>;
  static constexpr int V = kVector<T>, W = last_ ? V : 1;
  static constexpr bool last = last_;
  A bias[W];

  __device__ __forceinline__ BiasActLine(const Args& args, const Line& line) {
    load_or<W>(args.bias, A(0), line.channel, line.channels, last && args.vector, bias);
  }
};

template <typename T, bool last_>
struct BiasActForward : BiasActLine<T, last_> {
  using Base = BiasActLine<T, last_>;
  using typename Base::A, typename Base::Args;
  using Base::Base, Base::V, Base::last;
  static constexpr int sums = 0;

  __device__ __forceinline__ void step(const Args& args, const Step& at, A (&)[1][Base::W]) const {
    A v[V];
    load<V>(args.x + at.offset, at.count, args.vector, v);
#pragma unroll
    for (int j = 0; j < V; ++j) v[j] += this->bias[last ? j : 0];
    each<false>(args.act, v, args.alpha);
#pragma unroll
    for (int j = 0; j < V; ++j) v[j] = clamped(v[j] * args.gain, args.clamp);
    store<V>(args.y + at.offset, at.count, args.vector, v);
  }
};

// What lies behind the end of a line is read as zeros, whose gradient of zero adds nothing to the sum.
template <typename T, bool last_>
struct BiasActBackward : BiasActLine<T, last_> {
  using Base = BiasActLine<T, last_>;
  using typename Base::A, typename Base::Args;
  using Base::Base, Base::V, Base::last;
  static constexpr int sums = 1;

  __device__ __forceinline__ void step(const Args& args, const Step& at, A (&sums)[1][Base::W]) const {
    A gradient[V], t[V];
    bool open[V];
    load<V>(args.x + at.offset, at.count, args.vector, gradient);
    load<V>(args.reference + at.offset, at.count, args.vector, t);
    const bool from_x = args.act == Activation::swish;
#pragma unroll
    for (int j = 0; j < V; ++j) {
      if (from_x) t[j] += this->bias[last ? j : 0];
      open[j] = inside(from_x ? args.gain * activate<Activation::swish>(t[j], args.alpha) : t[j], args.clamp);
      if (!from_x) t[j] *= args.inverse;
    }
    each<true>(args.act, t, args.alpha);
#pragma unroll
    for (int j = 0; j < V; ++j) {
      gradient[j] = open[j] ? gradient[j] * args.gain * t[j] : A(0);
      sums[0][last ? j : 0] += gradient[j];
    }
    store<V>(args.y + at.offset, at.count, args.vector, gradient);
  }
};

// Of a bias along the last dimension, every row is a pixel and the channels come last.
struct Seen {
  int64_t n, c, pixels;
  bool last;
};

static Seen seen(const BiasAct& args) {
  if (args.inner == 1) return {1, args.channels, args.outer, true};
  return {args.outer, args.channels, args.inner, false};
}

static Walk walk_of(const BiasAct& args, int vector, bool backward) {
  const Seen size = seen(args);
  return walk_over(size.n, size.c, size.pixels, size.last, vector, backward ? 1 : 0);
}

template <typename T>
BiasActArgs<T> typed(const BiasAct& args) {
  using A = Compute<T>;
  const Seen size = seen(args);
  const bool whole = (size.last ? size.c : size.pixels) % kVector<T> == 0;
  return {static_cast<const T*>(args.x),
          static_cast<const T*>(args.reference),
          static_cast<const A*>(args.bias),
          static_cast<T*>(args.y),
          args.act,
          static_cast<A>(args.alpha),
          static_cast<A>(args.gain),
          static_cast<A>(args.clamp),
          static_cast<A>(args.gain == 0 ? 0 : 1 / args.gain),
          whole && aligned(args.x, args.reference, args.y) && (!size.last || aligned(args.bias))};
}

void bias_act(const BiasAct& args, Stream stream) {
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Walk walk = walk_of(args, kVector<T>, false);
    if (args.inner == 1)
      run_walk<BiasActForward<T, true>>("bias_act", typed<T>(args), walk, nullptr, stream);
    else
      run_walk<BiasActForward<T, false>>("bias_act", typed<T>(args), walk, nullptr, stream);
  });
}

void bias_act_backward(const BiasAct& args, Stream stream) {
  constexpr const char* op = "bias_act_backward";
  with_type(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = Compute<T>;
    const Walk walk = walk_of(args, kVector<T>, true);
    A* const parts = args.sums ? static_cast<A*>(args.scratch) : nullptr;
    if (args.inner == 1)
      run_walk<BiasActBackward<T, true>>(op, typed<T>(args), walk, parts, stream);
    else
      run_walk<BiasActBackward<T, false>>(op, typed<T>(args), walk, parts, stream);
    const Rows<A> rows{parts, static_cast<A*>(args.sums), walk.slabs * walk.n, walk.c, walk.c, 1};
    if (args.sums) add_rows(op, rows, stream);
  });
}

int64_t bias_act_scratch(const BiasAct& args) {
  int64_t size = 0;
  with_type(args.type, [&](auto tag) { size = scratch_of(walk_of(args, kVector<typename decltype(tag)::type>, true)); });
  return size;
}

}  // namespace nada::cuda
