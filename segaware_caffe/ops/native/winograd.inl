// 3x3 convolutions of stride 1, dilated or not, by Winograd's algorithm F(4x4, 3x3): a tile of 4x4 outputs from 6x6 inputs takes 36 products for
// each pair of channels where the definition takes 144. Included once for each instruction set, as kernels.inl is.
//
// One dimension: polynomials are multiplied by their values in six points, here 0, a, -a, b, -b and infinity. How the points lie
// decides the rounding: 0, 1, -1, 2, -2, the usual ones, round five times worse than these, which balance small values against
// large ones. With a = 45/64 and b = 2a all constants below are exact.

constexpr float POINT = 45.0f / 64, SQUARE = POINT * POINT, CUBE = SQUARE * POINT;
constexpr int OUTPUT_VECTORS = WINOGRAD_VECTORS, OUTPUTS = LANES * OUTPUT_VECTORS;  // output channels of a register tile
constexpr int SWEEP = 128;                                                          // channels whose weights stay in the nearest cache

// Six values in a row of the input, `step` vectors apart, to the six points.
inline void to_points(const Vector* x, int step, Vector* y, int y_step) {
  const Vector even_a = x[4 * step] - x[2 * step] * (4 * SQUARE), odd_a = (x[3 * step] - x[step] * (4 * SQUARE)) * POINT;
  const Vector even_b = x[4 * step] - x[2 * step] * SQUARE, odd_b = (x[3 * step] - x[step] * SQUARE) * (2 * POINT);
  y[0] = x[0] * (4 * SQUARE * SQUARE) - x[2 * step] * (5 * SQUARE) + x[4 * step];
  y[y_step] = even_a + odd_a;
  y[2 * y_step] = even_a - odd_a;
  y[3 * y_step] = even_b + odd_b;
  y[4 * y_step] = even_b - odd_b;
  y[5 * y_step] = x[step] * (4 * SQUARE * SQUARE) - x[3 * step] * (5 * SQUARE) + x[5 * step];
}

// The products in the six points to four outputs.
inline void from_points(const Vector* m, int step, Vector* y, int y_step) {
  const Vector even_a = m[step] + m[2 * step], odd_a = m[step] - m[2 * step];
  const Vector even_b = m[3 * step] + m[4 * step], odd_b = m[3 * step] - m[4 * step];
  y[0] = m[0] + even_a + even_b;
  y[y_step] = odd_a * POINT + odd_b * (2 * POINT);
  y[2 * y_step] = even_a * SQUARE + even_b * (4 * SQUARE);
  y[3 * y_step] = odd_a * CUBE + odd_b * (8 * CUBE) + m[5 * step];
}

// products (tiles x OUTPUTS) {=, +=} values (tiles x channels, rows `stride` apart) weights (channels x OUTPUTS), in registers
template <int tiles>
void multiply_tiles(int channels, const float* values, long stride, const float* weights, float* products, bool first) {
  Vector sum[tiles * OUTPUT_VECTORS];
  unrolled<tiles * OUTPUT_VECTORS>([&](int k) __attribute__((always_inline)) { sum[k] = first ? Vector{} : load(products + k * LANES); });
  for (int c = 0; c < channels; c++, weights += OUTPUTS) {
    Vector row[OUTPUT_VECTORS];
    unrolled<OUTPUT_VECTORS>([&](int v) __attribute__((always_inline)) { row[v] = load(weights + v * LANES); });
    unrolled<tiles * OUTPUT_VECTORS>([&](int k) __attribute__((always_inline)) {
      sum[k] += values[k / OUTPUT_VECTORS * stride + c] * row[k % OUTPUT_VECTORS];
    });
  }
  unrolled<tiles * OUTPUT_VECTORS>([&](int k) __attribute__((always_inline)) { store(products + k * LANES, sum[k]); });
}

// The same for any number of tiles up to WINOGRAD_TILES.
template <int tiles = WINOGRAD_TILES>
void multiply_some(int count, int channels, const float* values, long stride, const float* weights, float* products, bool first) {
  if (count == tiles) return multiply_tiles<tiles>(channels, values, stride, weights, products, first);
  if constexpr (tiles > 1) multiply_some<tiles - 1>(count, channels, values, stride, weights, products, first);
}

// Where the tiles of 4x4 outputs are: under dilation, each of the interleaved images of every dilation-th row and column has its own.
struct Tiling {
  const int* dilation;
  int down, across;  // tiles of an interleaved image
  explicit Tiling(const Winograd& job)
      : dilation(job.dilation), down((job.out.height + 4 * dilation[0] - 1) / (4 * dilation[0])),
        across((job.out.width + 4 * dilation[1] - 1) / (4 * dilation[1])) {}
  int count() const { return dilation[0] * dilation[1] * down * across; }
  int row(int tile) const { return tile / across % down * 4 * dilation[0] + tile / (across * down) / dilation[1]; }
  int column(int tile) const { return tile % across * 4 * dilation[1] + tile / (across * down) % dilation[1]; }
};

// The 6x6 pixels of a tile, all channels, to the points; point k's value of channel c goes to values[k * stride + c].
inline void transform_tile(const Winograd& job, const float* x, int row, int column, const float* zeros, float* values, long stride) {
  const float* pixels[36];
  for (int k = 0; k < 36; k++) {
    const int r = row + k / 6 * job.dilation[0] - job.pad[0], c = column + k % 6 * job.dilation[1] - job.pad[1];
    const bool inside = r >= 0 && r < job.in.height && c >= 0 && c < job.in.width;
    pixels[k] = inside ? x + (long(r) * job.in.width + c) * job.channels : zeros;
  }
  for (int c = 0; c < job.channels; c += LANES) {
    const Mask lanes = lanes_between(0, job.channels - c);
    Vector in[36], half[36], out[36];
    unrolled<36>([&](int k) __attribute__((always_inline)) { in[k] = load_lanes(pixels[k] + c, lanes); });
    unrolled<6>([&](int r) __attribute__((always_inline)) { to_points(in + 6 * r, 1, half + 6 * r, 1); });
    unrolled<6>([&](int r) __attribute__((always_inline)) { to_points(half + r, 6, out + r, 6); });
    unrolled<36>([&](int k) __attribute__((always_inline)) { store_lanes(values + k * stride + c, out[k], lanes); });
  }
}

// The products of a tile and OUTPUTS output channels, those of point k at products[k * stride], to 4x4 outputs. `doubt` stays
// zero while all are finite: what is infinite or NaN spread over the tile, and only the direct sum says where it belongs.
inline void write_tile(const Winograd& job, const float* products, long stride, float* y, int row, int column, int output, Vector& doubt) {
  for (int v = 0; v < OUTPUT_VECTORS; v++) {
    const int first = output + v * LANES;
    if (first >= job.outputs) return;
    const Mask lanes = lanes_between(0, job.outputs - first);
    const Vector bias = job.bias ? load_lanes(job.bias + first, lanes) : Vector{};
    const Vector least = spread(job.relu ? 0.0f : -std::numeric_limits<float>::infinity());
    Vector in[36], half[24], out[16];
    unrolled<36>([&](int k) __attribute__((always_inline)) { in[k] = load(products + k * stride + v * LANES); });
    unrolled<6>([&](int r) __attribute__((always_inline)) { from_points(in + 6 * r, 1, half + 4 * r, 1); });
    unrolled<4>([&](int r) __attribute__((always_inline)) { from_points(half + r, 4, out + r, 4); });
    Vector sum = out[0];
    unrolled<15>([&](int k) __attribute__((always_inline)) { sum += out[k + 1]; });
    doubt += sum * 0.0f;
    for (int k = 0; k < 16; k++) {
      const int r = row + k / 4 * job.dilation[0], c = column + k % 4 * job.dilation[1];
      if (r < job.out.height && c < job.out.width)
        store_lanes(y + (long(r) * job.out.width + c) * job.outputs + first, larger(least, out[k] + bias), lanes);  // NaN stays
    }
  }
}

// A piece of work is a block of tiles and a range of output channels: blocks of one image, then of the next, then other channels.
void winograd(const Winograd& job, Queue& pieces) {
  const Tiling tiling(job);
  const int groups = (job.outputs + OUTPUTS - 1) / OUTPUTS;
  const long per_point = long(job.block) * job.channels, in_size = job.in.size() * job.channels, out_size = job.out.size() * job.outputs;
  Array<float> values(36 * per_point), products(36L * job.block * OUTPUTS), zeros(job.channels);
  std::memset(zeros.data, 0, sizeof(float) * job.channels);
  for (long piece; pieces.take(piece);) {
    const int block = piece % job.blocks, sample = piece / job.blocks % job.samples, range = piece / job.blocks / job.samples;
    const int first = block * job.block, count = std::min(job.block, tiling.count() - first);
    for (int t = 0; t < count; t++)
      transform_tile(job, job.x + sample * in_size, tiling.row(first + t), tiling.column(first + t), zeros.data,
                     values.data + long(t) * job.channels, per_point);
    for (int group = long(groups) * range / job.ranges; group < long(groups) * (range + 1) / job.ranges; group++) {
      for (int k = 0; k < 36; k++)
        for (int c = 0; c < job.channels; c += SWEEP)
          for (int t = 0; t < count; t += WINOGRAD_TILES)
            multiply_some(std::min(WINOGRAD_TILES, count - t), std::min(SWEEP, job.channels - c),
                          values.data + k * per_point + long(t) * job.channels + c, job.channels,
                          job.weights + ((long(group) * 36 + k) * job.channels + c) * OUTPUTS,
                          products.data + (long(k) * job.block + t) * OUTPUTS, c == 0);
      Vector doubt{};
      for (int t = 0; t < count; t++)
        write_tile(job, products.data + long(t) * OUTPUTS, long(job.block) * OUTPUTS, job.y + sample * out_size,
                   tiling.row(first + t), tiling.column(first + t), group * OUTPUTS, doubt);
      for (int lane = 0; lane < LANES; lane++)
        if (doubt[lane] != 0) pieces.status = NOT_FINITE;
    }
  }
}
