// Convolutions and pooling of images with their channels innermost, by pixels: those of a few channels in a group as sums over
// taps, and the products of matrices that Winograd's algorithm is made of. Included once for each instruction set, after kernels.inl.
//
// The pixels of an image may lie further apart than it has channels: then it is some of the channels of a wider one, so that a convolution
// writes straight into the concatenation that it is part of.

constexpr int OUTPUT_VECTORS = TILE_VECTORS, OUTPUTS = LANES * OUTPUT_VECTORS;  // output channels of a register tile
constexpr int SWEEP = 8192 / OUTPUTS;                                           // rows of weights that stay in the nearest cache

// The pixels of a register tile that is `vectors` wide.
constexpr int tile_pixels(int vectors) { return std::min(12, TILE_PIXELS * TILE_VECTORS / vectors); }

// products (pixels x vectors) {=, +=} values (pixels x depth, rows `stride` apart) weights (depth x vectors), in registers
template <int pixels, int vectors>
void multiply_tile(int depth, const float* values, long stride, const float* weights, float* products, bool first) {
  Vector sum[pixels * vectors];
  unrolled<pixels * vectors>([&](int k) __attribute__((always_inline)) { sum[k] = first ? Vector{} : load(products + k * LANES); });
  for (int d = 0; d < depth; d++, weights += vectors * LANES) {
    Vector row[vectors];
    unrolled<vectors>([&](int v) __attribute__((always_inline)) { row[v] = load(weights + v * LANES); });
    unrolled<pixels * vectors>([&](int k) __attribute__((always_inline)) { sum[k] += values[k / vectors * stride + d] * row[k % vectors]; });
  }
  unrolled<pixels * vectors>([&](int k) __attribute__((always_inline)) { store(products + k * LANES, sum[k]); });
}

// The same for any number of pixels up to `most`.
template <int most, int vectors>
void multiply_pixels(int pixels, int depth, const float* values, long stride, const float* weights, float* products, bool first) {
  if (pixels == most) return multiply_tile<most, vectors>(depth, values, stride, weights, products, first);
  if constexpr (most > 1) multiply_pixels<most - 1, vectors>(pixels, depth, values, stride, weights, products, first);
}

// The same for any numbers of pixels and of vectors.
template <int most = OUTPUT_VECTORS>
void multiply_block(int vectors, int pixels, int depth, const float* values, long stride, const float* weights, float* products, bool first) {
  if (vectors == most) {
    constexpr int step = tile_pixels(most);
    for (int d = 0; d < depth; d += SWEEP)
      for (int p = 0; p < pixels; p += step)
        multiply_pixels<step, most>(std::min(step, pixels - p), std::min(SWEEP, depth - d), values + p * stride + d, stride,
                                    weights + long(d) * most * LANES, products + long(p) * most * LANES, first && d == 0);
  } else if constexpr (most > 1) {
    multiply_block<most - 1>(vectors, pixels, depth, values, stride, weights, products, first);
  }
}

// The first `count` lanes, often all: masked stores of AVX2 are slow on some processors.
inline Vector load_first(const float* p, int count) { return count >= LANES ? load(p) : load_lanes(p, lanes_between(0, count)); }
inline void store_first(float* p, Vector v, int count) { count >= LANES ? store(p, v) : store_lanes(p, v, lanes_between(0, count)); }

// What is done to a sum before it is written: bias, shortcut, slopes below zero, bounds. NaN stays. Whoever writes in a loop takes a copy of
// his own: of one that others see, all would be read anew after each store of a vector.
struct Finish {
  const float *bias, *slopes, *shortcut;
  float* y;
  long shortcut_step, y_step;
  Vector least, most;
  template <class Job>
  explicit Finish(const Job& job)
      : bias(job.bias), slopes(job.slopes), shortcut(job.shortcut), y(job.y), shortcut_step(job.shortcut_step), y_step(job.y_step),
        least(spread(job.bounds[0])), most(spread(job.bounds[1])) {}
  // Write what belongs to `count` output channels from `output` on of a pixel, counted over all samples.
  void operator()(Vector sum, long pixel, int output, int count) const {
    if (bias) sum += load_first(bias + output, count);
    if (shortcut) sum += load_first(shortcut + pixel * shortcut_step + output, count);
    if (slopes) sum = larger(Vector{}, sum) + smaller(Vector{}, sum) * load_first(slopes + output, count);
    store_first(y + pixel * y_step + output, larger(least, smaller(most, sum)), count);
  }
};

// Where the windows of an output row or column lie: taps [first, end) are inside the image.
struct Inside {
  int first, end;
  Inside(int position, int size, int kernel, int stride, int pad, int dilation) {
    const long start = long(position) * stride - pad;
    first = start >= 0 ? 0 : int(std::min<long>(kernel, (-start + dilation - 1) / dilation));
    end = start >= size ? first : int(std::max<long>(first, std::min<long>(kernel, (size - 1 - start) / dilation + 1)));
  }
};

// What one tap of a window reads, from the window's first pixel on, and where its weights are.
struct Reach {
  long source, weights;
};

// The sums over taps of `pixels` neighbouring output pixels, `vectors` of channels from `channel` on. Where groups have several channels,
// each output channel takes all of its group's, which lie in the same vector.
template <int pixels, int vectors>
void sum_taps(const Grouped& job, const float* x, const Reach* reaches, int count, const Index* members, long pixel, int channel,
              const Finish& given) {
  const Finish finish = given;
  const long step = long(job.stride[1]) * job.x_step, rounded = (job.channels + LANES - 1L) / LANES * LANES;
  const int left = job.channels - channel, in_group = job.channels / job.groups;
  Vector sum[pixels * vectors] = {};
  for (int i = 0; i < count; i++) {
    const float* weights = job.weights + reaches[i].weights + channel;
    const float* source = x + reaches[i].source + channel;
    unrolled<vectors>([&](int v) __attribute__((always_inline)) {
      const auto read = [&](int p) __attribute__((always_inline)) {
        return vectors > 1 ? load(source + p * step + v * LANES) : load_first(source + p * step, left);
      };
      Vector values[pixels];
      unrolled<pixels>([&](int p) __attribute__((always_inline)) { values[p] = read(p); });
      for (int m = 0; m < in_group; m++) {
        const Vector weight = load(weights + m * rounded + v * LANES);
        unrolled<pixels>([&](int p) __attribute__((always_inline)) { sum[v * pixels + p] += chosen(values[p], members[m]) * weight; });
      }
    });
  }
  unrolled<pixels * vectors>([&](int k) __attribute__((always_inline)) {
    finish(sum[k], pixel + k % pixels, channel + k / pixels * LANES, left - k / pixels * LANES);
  });
}

// All channels of them: eight sums at a time as far as there are whole vectors.
template <int pixels>
void sum_channels(const Grouped& job, const float* x, const Reach* reaches, int count, const Index* members, long pixel,
                  const Finish& finish) {
  constexpr int vectors = 8 / pixels;
  int c = 0;
  for (; vectors > 1 && c + vectors * LANES <= job.channels; c += vectors * LANES)
    sum_taps<pixels, vectors>(job, x, reaches, count, members, pixel, c, finish);
  for (; c < job.channels; c += LANES) sum_taps<pixels, 1>(job, x, reaches, count, members, pixel, c, finish);
}

// Groups of a few channels that share a vector (or of one): row by row of the output.
void grouped(const Grouped& job, Queue& rows) {
  const Finish finish(job);
  const int in_group = job.channels / job.groups;
  const long rounded = (job.channels + LANES - 1L) / LANES * LANES;
  Array<Reach> reaches(long(job.kernel[0]) * job.kernel[1]);
  Array<Index> members(in_group);
  for (int m = 0; m < in_group; m++) {
    int lanes[LANES];
    for (int lane = 0; lane < LANES; lane++) lanes[lane] = lane / in_group * in_group + m;
    std::memcpy(members.data + m, lanes, sizeof lanes);
  }
  for (long piece; rows.take(piece);) {
    const int row = piece % job.out.height, sample = piece / job.out.height;
    const Inside down(row, job.in.height, job.kernel[0], job.stride[0], job.pad[0], job.dilation[0]);
    for (int column = 0; column < job.out.width;) {
      const auto across = [&](int at) { return Inside(at, job.in.width, job.kernel[1], job.stride[1], job.pad[1], job.dilation[1]); };
      const Inside here = across(column);
      int pixels = 1;  // as many neighbours as read through the same taps
      for (int more : {8, 4, 2}) {
        const Inside there = across(std::min(column + more, job.out.width) - 1);
        if (pixels == 1 && column + more <= job.out.width && here.first == there.first && here.end == there.end) pixels = more;
      }
      int count = 0;
      for (int ky = down.first; ky < down.end; ky++)
        for (int kx = here.first; kx < here.end; kx++)
          reaches.data[count++] = {(long(ky) * job.dilation[0] * job.in.width + long(kx) * job.dilation[1]) * job.x_step,
                                   (long(ky) * job.kernel[1] + kx) * in_group * rounded};
      const long start = (long(row) * job.stride[0] - job.pad[0]) * job.in.width + long(column) * job.stride[1] - job.pad[1];
      const float* x = job.x + (sample * job.in.size() + start) * job.x_step;
      const long pixel = sample * job.out.size() + long(row) * job.out.width + column;
      const auto sum = pixels == 8 ? sum_channels<8> : pixels == 4 ? sum_channels<4>
                     : pixels == 2 ? sum_channels<2> : sum_channels<1>;
      sum(job, x, reaches.data, count, members.data, pixel, finish);
      column += pixels;
    }
  }
}

// The maximum or mean of every window, all channels of a pixel at a time. NaN never is a maximum; a mean counts padding as zeros.
void pool(const PixelPool& job, Queue& rows) {
  for (long piece; rows.take(piece);) {
    const int row = piece % job.out.height, sample = piece / job.out.height;
    const Inside down(row, job.in.height, job.kernel[0], job.stride[0], job.pad[0], 1);
    const long top = long(row) * job.stride[0] - job.pad[0];
    const long height = std::min<long>(top + job.kernel[0], job.in.height + job.pad[0]) - top;
    for (int column = 0; column < job.out.width; column++) {
      const Inside across(column, job.in.width, job.kernel[1], job.stride[1], job.pad[1], 1);
      const long left = long(column) * job.stride[1] - job.pad[1];
      const long width = std::min<long>(left + job.kernel[1], job.in.width + job.pad[1]) - left;
      const float* x = job.x + (sample * job.in.size() + top * job.in.width + left) * job.x_step;
      float* y = job.y + (sample * job.out.size() + long(row) * job.out.width + column) * job.y_step;
      const Vector share = spread(1.0f / float(height * width));
      for (int c = 0; c < job.channels; c += LANES) {
        Vector result = job.mean ? Vector{} : spread(-std::numeric_limits<float>::max());
        for (int ky = down.first; ky < down.end; ky++)
          for (int kx = across.first; kx < across.end; kx++) {
            const Vector value = load_first(x + (long(ky) * job.in.width + kx) * job.x_step + c, job.channels - c);
            result = job.mean ? result + value : larger(value, result);
          }
        store_first(y + c, job.mean ? result * share : result, job.channels - c);
      }
    }
  }
}
