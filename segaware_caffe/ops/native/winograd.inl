// 3x3 convolutions of stride 1, dilated or not, by Winograd's algorithm F(4x4, 3x3): a tile of 4x4 outputs from 6x6 inputs takes 36 products for
// each pair of channels where the definition takes 144. Included once for each instruction set, after convolution.inl.
//
// One dimension: polynomials are multiplied by their values in six points, here 0, a, -a, b, -b and infinity. How the points lie
// decides the rounding: 0, 1, -1, 2, -2, the usual ones, round five times worse than these, which balance small values against
// large ones. With a = 45/64 and b = 2a all constants below are exact.

constexpr float POINT = 45.0f / 64, SQUARE = POINT * POINT, CUBE = SQUARE * POINT;

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
    pixels[k] = inside ? x + (long(r) * job.in.width + c) * job.x_step : zeros;
  }
  for (int c = 0; c < job.channels; c += LANES) {
    Vector in[36], half[36], out[36];
    unrolled<36>([&](int k) __attribute__((always_inline)) { in[k] = load_first(pixels[k] + c, job.channels - c); });
    unrolled<6>([&](int r) __attribute__((always_inline)) { to_points(in + 6 * r, 1, half + 6 * r, 1); });
    unrolled<6>([&](int r) __attribute__((always_inline)) { to_points(half + r, 6, out + r, 6); });
    unrolled<36>([&](int k) __attribute__((always_inline)) { store_first(values + k * stride + c, out[k], job.channels - c); });
  }
}

// The products of a tile and OUTPUTS output channels, those of point k at products[k * stride], to 4x4 outputs. `doubt` stays
// zero while all are finite: what is infinite or NaN spread over the tile, and only the direct sum says where it belongs.
inline void write_tile(const Winograd& job, const Finish& given, const float* products, long stride, long sample, int row, int column, int output,
                       Vector& doubt) {
  const Finish finish = given;
  const Plane out_plane = job.out;
  const int outputs = job.outputs, down = job.dilation[0], right = job.dilation[1];
  for (int v = 0; v < OUTPUT_VECTORS; v++) {
    const int first = output + v * LANES;
    if (first >= outputs) return;
    Vector in[36], half[24], out[16];
    unrolled<36>([&](int k) __attribute__((always_inline)) { in[k] = load(products + k * stride + v * LANES); });
    unrolled<6>([&](int r) __attribute__((always_inline)) { from_points(in + 6 * r, 1, half + 4 * r, 1); });
    unrolled<4>([&](int r) __attribute__((always_inline)) { from_points(half + r, 4, out + r, 4); });
    Vector sum = out[0];
    unrolled<15>([&](int k) __attribute__((always_inline)) { sum += out[k + 1]; });
    doubt += sum * 0.0f;
    for (int k = 0; k < 16; k++) {
      const int r = row + k / 4 * down, c = column + k % 4 * right;
      if (r < out_plane.height && c < out_plane.width)
        finish(out[k], sample * out_plane.size() + long(r) * out_plane.width + c, first, outputs - first);
    }
  }
}

// A piece of work is a block of tiles and a range of output channels: blocks of one image, then of the next, then other channels.
void winograd(const Winograd& job, Queue& pieces) {
  const Tiling tiling(job);
  const Finish finish(job);
  const int groups = (job.outputs + OUTPUTS - 1) / OUTPUTS;
  const long per_point = long(job.block) * job.channels;
  Array<float> values(36 * per_point), products(36L * job.block * OUTPUTS), zeros(job.channels);
  std::memset(zeros.data, 0, sizeof(float) * job.channels);
  for (long piece; pieces.take(piece);) {
    const int block = piece % job.blocks, sample = piece / job.blocks % job.samples, range = piece / job.blocks / job.samples;
    const int first = block * job.block, count = std::min(job.block, tiling.count() - first);
    for (int t = 0; t < count; t++)
      transform_tile(job, job.x + sample * job.in.size() * job.x_step, tiling.row(first + t), tiling.column(first + t), zeros.data,
                     values.data + long(t) * job.channels, per_point);
    for (int group = long(groups) * range / job.ranges; group < long(groups) * (range + 1) / job.ranges; group++) {
      for (int k = 0; k < 36; k++)
        multiply_block(OUTPUT_VECTORS, count, job.channels, values.data + k * per_point, job.channels,
                       job.weights + (long(group) * 36 + k) * job.channels * OUTPUTS, products.data + long(k) * job.block * OUTPUTS, true);
      Vector doubt{};
      for (int t = 0; t < count; t++)
        write_tile(job, finish, products.data + long(t) * OUTPUTS, long(job.block) * OUTPUTS, sample, tiling.row(first + t),
                   tiling.column(first + t), group * OUTPUTS, doubt);
      for (int lane = 0; lane < LANES; lane++)
        if (doubt[lane] != 0) pieces.status = NOT_FINITE;
    }
  }
}
