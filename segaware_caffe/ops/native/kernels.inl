// The kernels, for one instruction set. native.cpp includes this file once for each, in a namespace of its own, with
//   LANES     floats of a vector
//   ROWS      output channels of a register tile
//   VECTORS   vectors of pixels of a register tile
//   DOT_OUTPUTS, DOT_COLUMNS   output channels and rows of the column matrix of a tile of the weights' gradient
//   Vector, Mask and the functions on them: load, store, lanes_between, load_lanes
// and with the compiler told that it may use those instructions; it turns a * b + c into fused multiply-adds.

constexpr int PANEL = LANES * VECTORS;  // pixels of a register tile
constexpr int PANELS = 192 / PANEL;     // panels that share a sweep over the weights
constexpr int DEPTH = 384;              // rows of the column matrix that are packed at a time
constexpr int SPAN = 768;               // pixels that are packed at a time for the weights' gradient

// f(0), f(1), ... f(count - 1), unrolled before the compiler decides what lives in registers.
template <int count, class Function>
__attribute__((always_inline)) inline void unrolled(const Function& f) {
  if constexpr (count > 0) {
    unrolled<count - 1>(f);
    f(count - 1);
  }
}

// tile (ROWS x PANEL) {=, +=} a (depth x ROWS)^T b (depth x PANEL)
inline void multiply(int depth, const float* a, const float* b, float* tile, bool first) {
  Vector sum[ROWS * VECTORS];
  unrolled<ROWS * VECTORS>([&](int k) __attribute__((always_inline)) { sum[k] = first ? Vector{} : load(tile + k * LANES); });
  for (int d = 0; d < depth; d++, a += ROWS, b += PANEL) {
    Vector pixels[VECTORS];
    unrolled<VECTORS>([&](int v) __attribute__((always_inline)) { pixels[v] = load(b + v * LANES); });
    unrolled<ROWS * VECTORS>([&](int k) __attribute__((always_inline)) { sum[k] += a[k / VECTORS] * pixels[k % VECTORS]; });
  }
  unrolled<ROWS * VECTORS>([&](int k) __attribute__((always_inline)) { store(tile + k * LANES, sum[k]); });
}

// What one vector of a panel reads for one tap: nearly always one run of an image row, at row ends two or more.
struct Read {
  Mask lanes;
  long source;  // of lane 0, in the image plane
};

struct PanelReads {
  int count[MAX_TAPS * VECTORS];
  Read reads[MAX_TAPS * VECTORS][LANES];
  Vector mask[MAX_TAPS * VECTORS];
};

// Fill in the reads of the output pixels [first, first + count), row by row of the output, and the mask there.
inline void find_reads(const Plane& in, const Plane& out, const Tap* taps, int tap_count, const float* mask, long first, int count,
                       PanelReads& panel) {
  for (int t = 0; t < tap_count; t++) {
    const Tap& tap = taps[t];
    for (int v = 0; v < VECTORS; v++) {
      const int slot = t * VECTORS + v, start = v * LANES, stop = std::min(count, start + LANES);
      panel.count[slot] = 0;
      panel.mask[slot] = start < stop ? load_lanes(mask + tap.index * out.size() + first + start, lanes_between(0, stop - start)) : Vector{};
      for (int lane = start; lane < stop;) {
        const int row = int((first + lane) / out.width), column = int((first + lane) % out.width);
        const int length = std::min(stop - lane, out.width - column);
        const int from = std::max(column, tap.first_column), to = std::min(column + length, tap.end_column);
        if (row >= tap.first_row && row < tap.end_row && from < to) {
          const int lane0 = lane - start - column;  // the lane of column 0 of this row
          panel.reads[slot][panel.count[slot]++] = {lanes_between(lane0 + from, lane0 + to),
                                                    (row + tap.down) * in.width + tap.right - lane0};
        }
        lane += length;
      }
    }
  }
}

// What a vector of a panel reads of an image plane, times its mask.
inline Vector masked_pixels(const float* x, const PanelReads& panel, int slot) {
  const int count = panel.count[slot];
  if (!count) return Vector{};
  const Read* read = panel.reads[slot];
  Vector pixels = load_lanes(x + read->source, read->lanes);
  for (int r = 1; r < count; r++) pixels += load_lanes(x + read[r].source, read[r].lanes);
  return pixels * panel.mask[slot];
}

// The masked columns of `channels` image planes from x on: channels * tap_count rows of a panel.
inline void pack(const Plane& in, const float* x, int channels, int tap_count, const PanelReads& panel, float* columns) {
  for (int c = 0; c < channels; c++, x += in.size())
    for (int slot = 0; slot < tap_count * VECTORS; slot++, columns += LANES) store(columns, masked_pixels(x, panel, slot));
}

// Weights (outputs x depth), row by row, to tiles of ROWS outputs: (outputs / ROWS) x depth x ROWS, zeros beyond the last.
void pack_weights(const Weights& job, Queue& tiles) {
  for (long tile; tiles.take(tile);) {
    float* packed = job.packed + tile * job.depth * ROWS;
    for (int i = 0; i < ROWS; i++) {
      const long output = tile * ROWS + i;
      const float* row = job.weights + output * job.depth;
      for (int k = 0; k < job.depth; k++) packed[long(k) * ROWS + i] = output < job.outputs ? row[k] : 0.0f;
    }
  }
}

// A masked convolution, block by block of BLOCK output pixels: a block's columns are packed in cache, a few hundred rows at
// a time, and swept over by the weights.
void masked_convolution(const Convolution& job, Queue& blocks) {
  const int tiles = (job.outputs + ROWS - 1) / ROWS, taps = job.tap_count;
  const int channels = std::max(1, std::min(job.channels, DEPTH / taps));
  Array<float> columns(long(channels) * taps * BLOCK), sums(long(tiles) * ROWS * BLOCK);
  Array<PanelReads> reads(PANELS);
  for (long block; blocks.take(block);) {
    const long first = block * BLOCK;
    const int pixels = int(std::min<long>(BLOCK, job.out.size() - first)), panels = (pixels + PANEL - 1) / PANEL;
    for (int p = 0; p < panels; p++)
      find_reads(job.in, job.out, job.taps, taps, job.mask, first + p * PANEL, std::min(PANEL, pixels - p * PANEL), reads.data[p]);
    for (int c = 0; c < job.channels; c += channels) {
      const int step = std::min(channels, job.channels - c), depth = step * taps;
      for (int p = 0; p < panels; p++)
        pack(job.in, job.x + c * job.in.size(), step, taps, reads.data[p], columns.data + long(p) * depth * PANEL);
      for (int t = 0; t < tiles; t++) {
        const float* weights = job.packed + (long(t) * job.channels + c) * taps * ROWS;
        for (int p = 0; p < panels; p++)
          multiply(depth, weights, columns.data + long(p) * depth * PANEL, sums.data + (long(t) * PANELS + p) * ROWS * PANEL, c == 0);
      }
    }
    for (int o = 0; o < job.outputs; o++)
      for (int p = 0; p < panels; p++) {
        const float* sum = sums.data + ((long(o / ROWS) * PANELS + p) * ROWS + o % ROWS) * PANEL;
        float* out = job.y + o * job.out.size() + first + p * PANEL;
        const float bias = job.bias ? job.bias[o] : 0.0f, least = job.relu ? 0.0f : -std::numeric_limits<float>::infinity();
        const int count = std::min(PANEL, pixels - p * PANEL);
        for (int j = 0; j < count; j++) out[j] = std::max(sum[j] + bias, least);
      }
  }
}

// The gradients of image and mask, from that of a masked convolution: ROWS channels of the image at a time, pixel by pixel of
// the output, tap by tap. The product of weights and gradient, which both need, never leaves the cache.
void masked_gradients(const Gradients& job, Queue& groups) {
  const int taps = job.tap_count;
  const long plane = job.in.size(), positions = job.out.size();
  Array<PanelReads> reads(1);
  Array<float> panel(long(job.outputs) * PANEL), product(ROWS * PANEL), mask_gradient(long(taps) * positions);
  std::memset(mask_gradient.data, 0, sizeof(float) * taps * positions);
  for (long group; groups.take(group);) {
    const int channels = int(std::min<long>(ROWS, job.channels - group * ROWS));
    const float* x = job.x + group * ROWS * plane;
    float* x_gradient = job.x_gradient + group * ROWS * plane;
    for (long first = 0; first < positions; first += PANEL) {
      const int pixels = int(std::min<long>(PANEL, positions - first));
      find_reads(job.in, job.out, job.taps, taps, job.mask, first, pixels, *reads.data);
      for (int o = 0; o < job.outputs; o++)
        for (int v = 0; v < VECTORS; v++)
          store(panel.data + o * PANEL + v * LANES,
                load_lanes(job.gradient + o * positions + first + v * LANES, lanes_between(0, pixels - v * LANES)));
      for (int tap = 0; tap < taps; tap++) {
        multiply(job.outputs, job.packed + (group * taps + tap) * job.outputs * ROWS, panel.data, product.data, true);
        float* to_mask = mask_gradient.data + job.taps[tap].index * positions + first;
        for (int v = 0; v * LANES < pixels; v++) {
          const int slot = tap * VECTORS + v;
          Vector sum{};
          for (int r = 0; r < reads.data->count[slot]; r++) {
            const Read read = reads.data->reads[slot][r];
            for (int c = 0; c < channels; c++) {
              const Vector g = load(product.data + c * PANEL + v * LANES);
              float* target = x_gradient + c * plane + read.source;
              sum += g * load_lanes(x + c * plane + read.source, read.lanes);
              store_lanes(target, load_lanes(target, read.lanes) + g * reads.data->mask[slot], read.lanes);
            }
          }
          const Mask lanes = lanes_between(0, pixels - v * LANES);
          store_lanes(to_mask + v * LANES, load_lanes(to_mask + v * LANES, lanes) + sum, lanes);
        }
      }
    }
  }
#pragma omp critical
  for (long i = 0; i < taps * positions; i++) job.mask_gradient[i] += mask_gradient.data[i];
}

// sums[i][j] += the products, vector by vector, of row i of the gradient and row j of `columns`.
inline void correlate(int vectors, const float* const* gradient, const float* columns, Vector* sums) {
  constexpr int SIZE = DOT_OUTPUTS * DOT_COLUMNS;
  Vector sum[SIZE];
  unrolled<SIZE>([&](int k) __attribute__((always_inline)) { sum[k] = sums[k]; });
  for (int p = 0; p < vectors * LANES; p += LANES) {
    Vector column[DOT_COLUMNS];
    unrolled<DOT_COLUMNS>([&](int j) __attribute__((always_inline)) { column[j] = load(columns + j * SPAN + p); });
    unrolled<SIZE>([&](int k) __attribute__((always_inline)) {
      sum[k] += load(gradient[k / DOT_COLUMNS] + p) * column[k % DOT_COLUMNS];
    });
  }
  unrolled<SIZE>([&](int k) __attribute__((always_inline)) { sums[k] = sum[k]; });
}

// The gradient of the weights, from that of a masked convolution: ROWS channels of the image at a time, whose masked columns
// are packed SPAN output pixels at a time. The sums stay vectors until the last pixel.
void weight_gradients(const WeightGradients& job, Queue& groups) {
  const int taps = job.tap_count, rows = ROWS * taps;
  const int column_tiles = (rows + DOT_COLUMNS - 1) / DOT_COLUMNS, output_tiles = (job.outputs + DOT_OUTPUTS - 1) / DOT_OUTPUTS;
  const long positions = job.out.size(), tile_size = DOT_OUTPUTS * DOT_COLUMNS;
  Array<PanelReads> reads(1);
  Array<float> columns(long(column_tiles) * DOT_COLUMNS * SPAN);
  Array<Vector> sums(output_tiles * column_tiles * tile_size);
  Array<float> rest(DOT_OUTPUTS * SPAN);
  std::memset(columns.data, 0, sizeof(float) * column_tiles * DOT_COLUMNS * SPAN);
  std::memset(rest.data, 0, sizeof(float) * DOT_OUTPUTS * SPAN);
  for (long group; groups.take(group);) {
    const int channels = int(std::min<long>(ROWS, job.channels - group * ROWS));
    for (long i = 0; i < output_tiles * column_tiles * tile_size; i++) sums.data[i] = Vector{};
    for (long first = 0; first < positions; first += SPAN) {
      const int pixels = int(std::min<long>(SPAN, positions - first));
      for (int start = 0; start < pixels; start += PANEL) {
        find_reads(job.in, job.out, job.taps, taps, job.mask, first + start, std::min(PANEL, pixels - start), *reads.data);
        for (int c = 0; c < channels; c++)
          for (int slot = 0; slot < taps * VECTORS; slot++)
            store(columns.data + (c * taps + slot / VECTORS) * SPAN + start + slot % VECTORS * LANES,
                  masked_pixels(job.x + (group * ROWS + c) * job.in.size(), *reads.data, slot));
      }
      const int vectors = (pixels + LANES - 1) / LANES;
      for (int o = 0; o < output_tiles; o++) {
        const float* rows_of_tile[DOT_OUTPUTS];
        for (int i = 0; i < DOT_OUTPUTS; i++) {
          rows_of_tile[i] = job.gradient + std::min(o * DOT_OUTPUTS + i, job.outputs - 1) * positions + first;
          if (pixels % LANES) {  // the last span: vectors may not read beyond it
            std::memcpy(rest.data + i * SPAN, rows_of_tile[i], pixels * sizeof(float));
            rows_of_tile[i] = rest.data + i * SPAN;
          }
        }
        for (int c = 0; c < column_tiles; c++)
          correlate(vectors, rows_of_tile, columns.data + c * DOT_COLUMNS * SPAN, sums.data + (o * column_tiles + c) * tile_size);
      }
    }
    for (int o = 0; o < job.outputs; o++)
      for (int row = 0; row < channels * taps; row++) {
        const Vector& sum = sums.data[(long(o / DOT_OUTPUTS) * column_tiles + row / DOT_COLUMNS) * tile_size +
                                      o % DOT_OUTPUTS * DOT_COLUMNS + row % DOT_COLUMNS];
        float total = 0;
        for (int lane = 0; lane < LANES; lane++) total += sum[lane];
        job.weight_gradient[(long(o) * job.channels + group * ROWS) * taps + row] += total;
      }
  }
}

// Masked sums, row by row, GROUP channels at a time in registers.
void masked_sum(const Sum& job, Queue& rows) {
  constexpr int GROUP = 6;
  Array<float> masks(long(job.tap_count) * LANES);
  Array<Read> reads(job.tap_count);
  for (long row; rows.take(row);)
    for (int column = 0; column < job.out.width; column += LANES) {
      const long position = row * job.out.width + column;
      int count = 0;
      for (int t = 0; t < job.tap_count; t++) {
        const Tap& tap = job.taps[t];
        if (row < tap.first_row || row >= tap.end_row) continue;
        const Mask lanes = lanes_between(tap.first_column - column, tap.end_column - column);
        store(masks.data + count * LANES, load_lanes(job.mask + tap.index * job.out.size() + position, lanes));
        reads.data[count++] = {lanes, (row + tap.down) * job.in.width + tap.right + column};
      }
      const Mask inside = lanes_between(0, job.out.width - column);
      for (int c = 0; c < job.channels; c += GROUP) {
        const float* x = job.x + c * job.in.size();
        const int channels = std::min(GROUP, job.channels - c);
        Vector sum[GROUP] = {};
        for (int t = 0; t < count; t++) {
          const Vector mask = load(masks.data + t * LANES);
          for (int i = 0; i < GROUP; i++)
            if (i < channels) sum[i] += load_lanes(x + i * job.in.size() + reads.data[t].source, reads.data[t].lanes) * mask;
        }
        for (int i = 0; i < channels; i++) store_lanes(job.y + (c + i) * job.out.size() + position, sum[i], inside);
      }
    }
}

// The distances between each pixel's vector and those of its window, row by row, GROUP taps at a time in registers.
template <bool L1>
void distances(const Distances& job, Queue& rows) {
  constexpr int GROUP = 8;
  const int right = job.centre[1];
  for (long row; rows.take(row);)
    for (int column = 0; column < job.out.width; column += LANES) {
      const Mask centre = lanes_between(std::max(0, -right) - column, std::min(job.out.width, job.in.width - right) - column);
      const long middle = (row + job.centre[0]) * job.in.width + right + column;
      const long position = row * job.out.width + column;
      for (int t = 0; t < job.tap_count;) {
        const Tap* taps[GROUP];
        Read reads[GROUP];
        int count = 0;
        for (; t < job.tap_count && count < GROUP; t++) {
          const Tap& tap = job.taps[t];
          if (row < tap.first_row || row >= tap.end_row) continue;
          taps[count] = &tap;
          reads[count++] = {lanes_between(tap.first_column - column, tap.end_column - column),
                            (row + tap.down) * job.in.width + tap.right + column};
        }
        if (!count) continue;
        Vector sum[GROUP] = {};
        for (int c = 0; c < job.channels; c++) {
          const float* x = job.x + c * job.in.size();
          const Vector z = load_lanes(x + middle, centre);
          for (int i = 0; i < GROUP; i++) {
            if (i >= count) break;
            const Vector difference = z - load_lanes(x + reads[i].source, reads[i].lanes);
            sum[i] += L1 ? absolute(difference) : difference * difference;
          }
        }
        for (int i = 0; i < count; i++)
          store_lanes(job.y + taps[i]->index * job.out.size() + position, L1 ? sum[i] : sum[i] * 0.5f, reads[i].lanes);
      }
    }
}

// The gradient of the image from that of its distances, row by row of the image. With d = centre - tap a distance has the
// slope sign(d) or d to its centre and the negative to its tap; a pixel is the centre of one window and a tap of others.
template <bool L1>
void distance_gradients(const DistanceGradients& job, Queue& rows) {
  const long plane = job.in.size();
  for (long row; rows.take(row);)
    for (int column = 0; column < job.in.width; column += LANES) {
      const Mask inside = lanes_between(0, job.in.width - column);
      for (int t = 0; t < job.tap_count; t++) {
        const Tap& tap = job.taps[t];
        const float* gradient = job.gradient + tap.index * job.out.size();
        // as centre of the window at (row - centre_down, column - centre_right), and as tap of that at (row - down, ...)
        const int as_centre = int(row) - job.centre[0], as_tap = int(row) - tap.down;
        const Mask centre = as_centre >= tap.first_row && as_centre < tap.end_row
                                ? lanes_between(tap.first_column + job.centre[1] - column, tap.end_column + job.centre[1] - column)
                                : lanes_between(0, 0);
        const Mask member = as_tap >= tap.first_row && as_tap < tap.end_row
                                ? lanes_between(tap.first_column + tap.right - column, tap.end_column + tap.right - column)
                                : lanes_between(0, 0);
        const Vector from_centre = load_lanes(gradient + long(as_centre) * job.out.width + column - job.centre[1], centre);
        const Vector from_tap = load_lanes(gradient + long(as_tap) * job.out.width + column - tap.right, member);
        const long here = row * job.in.width + column;
        const long away = long(tap.down - job.centre[0]) * job.in.width + tap.right - job.centre[1];
        for (int c = 0; c < job.channels; c++) {
          const float* x = job.x + c * plane + here;
          float* target = job.x_gradient + c * plane + here;
          const Vector pixel = load_lanes(x, inside);
          const Vector to_tap = pixel - load_lanes(x + away, centre), to_centre = pixel - load_lanes(x - away, member);
          const Vector slope = L1 ? from_centre * sign(to_tap) + from_tap * sign(to_centre) : from_centre * to_tap + from_tap * to_centre;
          store_lanes(target, load_lanes(target, inside) + slope, inside);
        }
      }
    }
}

// The maximum of every window of a plane, plane by plane: over rows in vectors, then along the row. NaN never wins.
void max_pool(const Pool& job, Queue& planes) {
  Array<float> column_maxima(job.in.width + LANES);
  for (long plane; planes.take(plane);)
    for (int row = 0; row < job.out.height; row++) {
      const long top = long(row) * job.stride[0] - job.pad[0];
      const int first = int(std::max(0L, top)), end = int(std::min<long>(job.in.height, top + job.kernel[0]));
      for (int column = 0; column < job.in.width; column += LANES) {
        const Mask lanes = lanes_between(0, job.in.width - column);
        Vector best = spread(-std::numeric_limits<float>::max());
        for (int r = first; r < end; r++)
          best = larger(load_lanes(job.x + plane * job.in.size() + long(r) * job.in.width + column, lanes), best);
        store_lanes(column_maxima.data + column, best, lanes);
      }
      float* out = job.y + plane * job.out.size() + long(row) * job.out.width;
      for (int column = 0; column < job.out.width; column++) {
        const long left = long(column) * job.stride[1] - job.pad[1];
        const int stop = int(std::min<long>(job.in.width, left + job.kernel[1]));
        float best = -std::numeric_limits<float>::max();
        for (int c = int(std::max(0L, left)); c < stop; c++) best = std::max(best, column_maxima.data[c]);
        out[column] = best;
      }
    }
}
