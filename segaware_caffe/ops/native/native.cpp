// Masked convolutions, masked sums and window distances on the CPU, called from door.py through ctypes.
//
// Images are float32, one sample at a time, planes of rows. A tap of a kernel reads one pixel for each output pixel:
// Python says for which rows and columns of the output that pixel is inside the image, and how far away it is. So all
// rules of padding and dilation stay there, in one place; here is only the arithmetic, in registers and cache.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

constexpr int MAX_TAPS = 49;  // of a masked convolution
constexpr int BLOCK = 192;    // output pixels that are packed together

struct Plane {
  int height, width;
  long size() const { return long(height) * width; }
};

// Output pixel (r, c) with first_row <= r < end_row and first_column <= c < end_column reads pixel (r + down, c + right).
struct Tap {
  int index, first_row, end_row, first_column, end_column, down, right;
};

struct Convolution {
  const float *x, *mask, *packed, *bias;
  float* y;
  const Tap* taps;
  int tap_count, channels, outputs, relu;
  Plane in, out;
};

struct WeightGradients {
  const float *x, *mask, *gradient;
  float* weight_gradient;
  const Tap* taps;
  int tap_count, channels, outputs;
  Plane in, out;
};

struct Gradients {
  const float *x, *mask, *packed, *gradient;
  float *x_gradient, *mask_gradient;
  const Tap* taps;
  int tap_count, channels, outputs;
  Plane in, out;
};

struct Sum {
  const float *x, *mask;
  float* y;
  const Tap* taps;
  int tap_count, channels;
  Plane in, out;
};

struct Distances {
  const float* x;
  float* y;
  const Tap* taps;
  int tap_count, channels, l1, centre[2];
  Plane in, out;
};

struct DistanceGradients {
  const float *x, *gradient;
  float* x_gradient;
  const Tap* taps;
  int tap_count, channels, l1, centre[2];
  Plane in, out;
};

struct Pool {
  const float* x;
  float* y;
  int planes, kernel[2], stride[2], pad[2];
  Plane in, out;
};

// Of all below: images with their channels innermost, pixels `step` floats apart. A sum gets the bias, a shortcut, slopes below zero,
// and is kept between two bounds.

// Weights as ops/winograd.py packs them.
struct Winograd {
  const float *x, *weights, *bias, *slopes, *bounds, *shortcut;
  float* y;
  int samples, channels, outputs, x_step, shortcut_step, y_step, pad[2], dilation[2];
  int block, blocks, ranges;  // tiles of a block, blocks of an image, parts of the output channels
  Plane in, out;
};

// Convolutions whose groups have as many outputs as inputs, and a whole number of which makes a vector; weights as ops/convolution.py packs them.
struct Grouped {
  const float *x, *weights, *bias, *slopes, *bounds, *shortcut;
  float* y;
  int samples, channels, groups, x_step, shortcut_step, y_step, kernel[2], stride[2], pad[2], dilation[2];
  Plane in, out;
};

struct PixelPool {
  const float* x;
  float* y;
  int samples, channels, x_step, y_step, mean, kernel[2], stride[2], pad[2];
  Plane in, out;
};

struct Weights {
  const float* weights;
  float* packed;
  int outputs, depth;
};

// How a call ended.
enum Status { DONE, NO_MEMORY, NOT_FINITE };

// Pieces of work that threads take one after the other.
struct Queue {
  const long count;
  std::atomic<long> next{0};
  std::atomic<int> status{DONE};
  bool take(long& piece) { return (piece = next++) < count; }
};

// Memory aligned for vectors, which std::vector does not promise for types that hold them.
template <class T>
struct Array {
  T* const data;
  explicit Array(long count) : data(static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) / 64 + 1) * 64))) {
    if (!data) throw std::bad_alloc();
  }
  ~Array() { std::free(data); }
  Array(const Array&) = delete;
};

#if defined(__SANITIZE_ADDRESS__)
// The sanitiser does not see the memory of masked vector instructions, so look at it lane by lane.
inline void look(const float* p, unsigned lanes) {
  for (; lanes; lanes &= lanes - 1) (void)*static_cast<const volatile float*>(p + __builtin_ctz(lanes));
}
#else
inline void look(const float*, unsigned) {}
#endif

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SEGAWARE_X86 1

#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
namespace avx512 {
constexpr int LANES = 16, ROWS = 8, VECTORS = 3, DOT_OUTPUTS = 4, DOT_COLUMNS = 6, TILE_PIXELS = 6, TILE_VECTORS = 4;
typedef __m512 Vector;
typedef __mmask16 Mask;
inline Vector load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
inline Mask lanes_between(int first, int end) {
  first = std::min(std::max(first, 0), LANES);
  end = std::min(std::max(end, 0), LANES);
  return Mask(((1u << end) - 1) & ~((1u << first) - 1));
}
inline Vector load_lanes(const float* p, Mask m) {
  look(p, m);
  return _mm512_maskz_loadu_ps(m, p);
}
inline void store_lanes(float* p, Vector v, Mask m) {
  look(p, m);
  _mm512_mask_storeu_ps(p, m, v);
}
inline Vector absolute(Vector v) { return _mm512_abs_ps(v); }
inline Vector sign(Vector v) {
  const Vector one = _mm512_set1_ps(1), zero = _mm512_setzero_ps();
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(v, zero, _CMP_GT_OQ),
                              _mm512_mask_blend_ps(_mm512_cmp_ps_mask(v, zero, _CMP_LT_OQ), zero, -one), one);
}
inline Vector spread(float value) { return _mm512_set1_ps(value); }
inline Vector larger(Vector v, Vector best) { return _mm512_max_ps(v, best); }
inline Vector smaller(Vector v, Vector best) { return _mm512_min_ps(v, best); }
typedef __m512i Index;
inline Vector chosen(Vector v, Index lanes) { return _mm512_permutexvar_ps(lanes, v); }
#include "kernels.inl"
#include "convolution.inl"
#include "winograd.inl"
}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int LANES = 8, ROWS = 6, VECTORS = 2, DOT_OUTPUTS = 2, DOT_COLUMNS = 5, TILE_PIXELS = 6, TILE_VECTORS = 2;
typedef __m256 Vector;
typedef __m256i Mask;
inline Vector load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
inline Mask lanes_between(int first, int end) {
  const Mask lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(first), lane), _mm256_cmpgt_epi32(_mm256_set1_epi32(end), lane));
}
inline Vector load_lanes(const float* p, Mask m) {
  look(p, _mm256_movemask_ps(_mm256_castsi256_ps(m)));
  return _mm256_maskload_ps(p, m);
}
inline void store_lanes(float* p, Vector v, Mask m) {
  look(p, _mm256_movemask_ps(_mm256_castsi256_ps(m)));
  _mm256_maskstore_ps(p, m, v);
}
inline Vector absolute(Vector v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
inline Vector sign(Vector v) {
  const Vector one = _mm256_set1_ps(1), zero = _mm256_setzero_ps();
  return _mm256_sub_ps(_mm256_and_ps(_mm256_cmp_ps(v, zero, _CMP_GT_OQ), one), _mm256_and_ps(_mm256_cmp_ps(v, zero, _CMP_LT_OQ), one));
}
inline Vector spread(float value) { return _mm256_set1_ps(value); }
inline Vector larger(Vector v, Vector best) { return _mm256_max_ps(v, best); }
inline Vector smaller(Vector v, Vector best) { return _mm256_min_ps(v, best); }
typedef __m256i Index;
inline Vector chosen(Vector v, Index lanes) { return _mm256_permutevar8x32_ps(v, lanes); }
#include "kernels.inl"
#include "convolution.inl"
#include "winograd.inl"
}  // namespace avx2
#pragma GCC pop_options
#endif

// Any other processor: vectors of four, which compilers know on all of them.
namespace generic {
constexpr int LANES = 4, ROWS = 4, VECTORS = 2, DOT_OUTPUTS = 2, DOT_COLUMNS = 4, TILE_PIXELS = 4, TILE_VECTORS = 2;
typedef float Vector __attribute__((vector_size(16)));
struct Mask {
  int first, end;
};
inline Vector load(const float* p) {
  Vector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vector v) { std::memcpy(p, &v, sizeof v); }
inline Mask lanes_between(int first, int end) { return {std::min(std::max(first, 0), LANES), std::min(std::max(end, 0), LANES)}; }
inline Vector load_lanes(const float* p, Mask m) {
  Vector v{};
  for (int i = m.first; i < m.end; i++) v[i] = p[i];
  return v;
}
inline void store_lanes(float* p, Vector v, Mask m) {
  for (int i = m.first; i < m.end; i++) p[i] = v[i];
}
inline Vector absolute(Vector v) { return v < 0.0f ? -v : v; }
inline Vector sign(Vector v) {
  for (int i = 0; i < LANES; i++) v[i] = float((v[i] > 0) - (v[i] < 0));
  return v;
}
inline Vector spread(float value) { return Vector{} + value; }
inline Vector larger(Vector v, Vector best) { return v > best ? v : best; }
inline Vector smaller(Vector v, Vector best) { return v < best ? v : best; }
struct Index {
  int lane[LANES];
};
inline Vector chosen(Vector v, const Index& lanes) {
  Vector result;
  for (int i = 0; i < LANES; i++) result[i] = v[lanes.lane[i]];
  return result;
}
#include "kernels.inl"
#include "convolution.inl"
#include "winograd.inl"
}  // namespace generic

// The kernels of one instruction set.
struct Kernels {
  const char* name;
  int rows, lanes, outputs;
  void (*pack_weights)(const Weights&, Queue&);
  void (*masked_convolution)(const Convolution&, Queue&);
  void (*masked_gradients)(const Gradients&, Queue&);
  void (*weight_gradients)(const WeightGradients&, Queue&);
  void (*masked_sum)(const Sum&, Queue&);
  void (*distances_l1)(const Distances&, Queue&);
  void (*distances_l2)(const Distances&, Queue&);
  void (*distance_gradients_l1)(const DistanceGradients&, Queue&);
  void (*distance_gradients_l2)(const DistanceGradients&, Queue&);
  void (*max_pool)(const Pool&, Queue&);
  void (*winograd)(const Winograd&, Queue&);
  void (*grouped)(const Grouped&, Queue&);
  void (*pool)(const PixelPool&, Queue&);
};

#define KERNELS(isa)                                                                                                  \
  Kernels {                                                                                                           \
    #isa, isa::ROWS, isa::LANES, isa::OUTPUTS, isa::pack_weights, isa::masked_convolution, isa::masked_gradients,      \
        isa::weight_gradients, isa::masked_sum, isa::distances<true>, isa::distances<false>, isa::distance_gradients<true>,                   \
        isa::distance_gradients<false>, isa::max_pool, isa::winograd, isa::grouped, isa::pool                \
  }

const Kernels ALL[] = {
    KERNELS(generic),
#if SEGAWARE_X86
    KERNELS(avx2),
    KERNELS(avx512),
#endif
};

bool runs(int set) {
#if SEGAWARE_X86
  if (set == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == 2)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw");
#endif
  return set == 0;
}

// All threads take pieces of one job. OpenMP, because PyTorch's idle OpenMP threads would compete with others for the cores.
template <class Job>
int work(int threads, long pieces, void (*kernel)(const Job&, Queue&), const Job& job) {
  Queue queue{pieces};
#pragma omp parallel num_threads(threads)
  try {
    kernel(job, queue);
  } catch (const std::bad_alloc&) {
    queue.status = NO_MEMORY;
  }
  return queue.status;
}

}  // namespace

extern "C" {

// What Python compares before it calls anything: the sources that this was made from (fingerprint.py), and the sizes of structs.
const char* sources() { return SEGAWARE_SOURCES; }
int max_taps() { return MAX_TAPS; }
int size_of(const char* name) {
  static const std::pair<const char*, size_t> sizes[] = {
      {"Plane", sizeof(Plane)},
      {"Tap", sizeof(Tap)},
      {"pack_weights", sizeof(Weights)},
      {"masked_convolution", sizeof(Convolution)},
      {"masked_gradients", sizeof(Gradients)},
      {"weight_gradients", sizeof(WeightGradients)},
      {"masked_sum", sizeof(Sum)},
      {"distances", sizeof(Distances)},
      {"distance_gradients", sizeof(DistanceGradients)},
      {"max_pool", sizeof(Pool)},
      {"winograd", sizeof(Winograd)},
      {"grouped", sizeof(Grouped)},
      {"pool", sizeof(PixelPool)},
  };
  for (const auto& [known, size] : sizes)
    if (!std::strcmp(known, name)) return int(size);
  return -1;
}

// The number of instruction sets compiled in, from the plainest to the best; whether this processor has one; its name and tile.
int sets() { return int(sizeof ALL / sizeof *ALL); }
int set_runs(int set) { return runs(set); }
const char* set_name(int set) { return ALL[set].name; }
int set_rows(int set) { return ALL[set].rows; }
int set_lanes(int set) { return ALL[set].lanes; }
int set_outputs(int set) { return ALL[set].outputs; }

// The functions that Python calls (FUNCTIONS of door.py) return a Status.

int pack_weights(int set, int threads, const Weights* job) {
  return work(threads, (job->outputs + ALL[set].rows - 1) / ALL[set].rows, ALL[set].pack_weights, *job);
}

int masked_convolution(int set, int threads, const Convolution* job) {
  return work(threads, (job->out.size() + BLOCK - 1) / BLOCK, ALL[set].masked_convolution, *job);
}

int masked_gradients(int set, int threads, const Gradients* job) {
  return work(threads, (job->channels + ALL[set].rows - 1) / ALL[set].rows, ALL[set].masked_gradients, *job);
}

int weight_gradients(int set, int threads, const WeightGradients* job) {
  return work(threads, (job->channels + ALL[set].rows - 1) / ALL[set].rows, ALL[set].weight_gradients, *job);
}

int masked_sum(int set, int threads, const Sum* job) { return work(threads, job->out.height, ALL[set].masked_sum, *job); }

int distances(int set, int threads, const Distances* job) {
  return work(threads, job->out.height, job->l1 ? ALL[set].distances_l1 : ALL[set].distances_l2, *job);
}

int distance_gradients(int set, int threads, const DistanceGradients* job) {
  return work(threads, job->in.height, job->l1 ? ALL[set].distance_gradients_l1 : ALL[set].distance_gradients_l2, *job);
}

int max_pool(int set, int threads, const Pool* job) { return work(threads, job->planes, ALL[set].max_pool, *job); }

int winograd(int set, int threads, const Winograd* job) {
  return work(threads, long(job->blocks) * job->samples * job->ranges, ALL[set].winograd, *job);
}

int grouped(int set, int threads, const Grouped* job) { return work(threads, long(job->out.height) * job->samples, ALL[set].grouped, *job); }

int pool(int set, int threads, const PixelPool* job) { return work(threads, long(job->out.height) * job->samples, ALL[set].pool, *job); }
}
