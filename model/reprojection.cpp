// Reprojection for the CPU: what model/reprojection.py's `warp` computes, ten times faster.
// Knows packed planes and camera motions; refuses to know torch, poses and files.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "stages.h"

namespace {

constexpr float kSpan = 1.2f, kDepthScale = 1.2f, kFar = 300.f, kSkyFrom = 240.f, kNearest = .05f;
constexpr float kAgreement = .12f, kSmooth = 1.25f, kBend = 2.f, kNothing = 1e9f;
constexpr float kThin = 1e-3f, kEdge = 1e-3f, kStretched = 1.4f;
constexpr int kPad = 4, kRows = 16, kWidest = 32;  // cells that a triangle may span

typedef float Four __attribute__((vector_size(16)));

struct Motion {
  float turn[9], shift[3];
};

struct Seen {
  float column, row, far;
};

struct Frame {
  int height, width, channels;  // those after the seventh are seen as chroma is
  const float* planes;
  Motion forth, back;
  float *inverse, *near, *own, *luma, *out, *mask;
  unsigned char* whole;  // whether a pixel and its right, lower and lower right neighbours are of one surface
  int stride() const { return 2 * width + 2 * kPad; }
  int cells() const { return height * width; }
};

inline float metres(float inverse) {
  return std::min(std::max(kDepthScale / std::max(inverse, 1e-6f) - kDepthScale, 0.f), kFar);
}

inline Seen seen(float column, float row, float distance, const Motion& m, int height, int width) {
  float right = (column + (.5f - .5f * width)) * (kSpan / height), up = (.5f * height - .5f - row) * (kSpan / height);
  float along = distance / std::sqrt(right * right + up * up + 1.f);
  float parallax = std::min(std::max((kFar - distance) * (1.f / (kFar - kSkyFrom)), 0.f), 1.f);
  right *= along, up *= along;
  float x = m.turn[0] * right + m.turn[1] * up + m.turn[2] * along + m.shift[0] * parallax;
  float y = m.turn[3] * right + m.turn[4] * up + m.turn[5] * along + m.shift[1] * parallax;
  float z = m.turn[6] * right + m.turn[7] * up + m.turn[8] * along + m.shift[2] * parallax;
  float far = std::sqrt(x * x + y * y + z * z), scale = (height / kSpan) / std::max(z, 1e-4f);
  return {x * scale + (.5f * width - .5f), (.5f * height - .5f) - y * scale, z > 1e-3f ? far : -far};
}

inline bool within(const Seen& s, int height, int width) {
  return (s.column > -.5f) & (s.column < width - .5f) & (s.row > -.5f) & (s.row < height - .5f) & (s.far > kNearest);
}

// The four pixels around a position inside the half grid, edges repeated, and where between them it lies.
struct Cell {
  int index[4];
  float x, y;
  Cell(float column, float row, int height, int width) {
    float left = std::floor(column), top = std::floor(row);
    x = column - left, y = row - top;
    int x0 = std::max((int)left, 0), x1 = std::min((int)left + 1, width - 1);
    int y0 = std::max((int)top, 0) * width, y1 = std::min((int)top + 1, height - 1) * width;
    index[0] = y0 + x0, index[1] = y0 + x1, index[2] = y1 + x0, index[3] = y1 + x1;
  }
  float mix(float a, float b, float c, float d) const {
    return (a + (b - a) * x) * (1 - y) + (c + (d - c) * x) * y;
  }
  float bilinear(const float* p) const { return mix(p[index[0]], p[index[1]], p[index[2]], p[index[3]]); }
  float surface(const float* p, const unsigned char* whole) const {
    float a = p[index[0]], b = p[index[1]], c = p[index[2]], d = p[index[3]];
    float nearest = y < .5f ? (x < .5f ? a : b) : (x < .5f ? c : d);
    return whole[index[0]] ? mix(a, b, c, d) : nearest;
  }
};

inline Four load(const float* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline Four cubic(float x) {  // Catmull-Rom
  const Four a = {-.5f, 1.5f, -1.5f, .5f}, b = {1.f, -2.5f, 2.f, -.5f}, c = {-.5f, 0.f, .5f, 0.f}, d = {0.f, 1.f, 0.f, 0.f};
  return ((a * x + b) * x + c) * x + d;
}

inline float catmull_rom(const Frame& f, float column, float row) {
  column = std::min(std::max(column, -2.f), 2.f * f.width + 1), row = std::min(std::max(row, -2.f), 2.f * f.height + 1);
  float left = std::floor(column), top = std::floor(row);
  const float* p = f.luma + ((int)top - 1 + kPad) * f.stride() + (int)left - 1 + kPad;
  Four down = cubic(row - top);
  Four sum = load(p) * down[0] + load(p + f.stride()) * down[1] + load(p + 2 * f.stride()) * down[2] +
             load(p + 3 * f.stride()) * down[3];
  sum *= cubic(column - left);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void unfold_luma(const Frame& f) {
  for (int row = -kPad; row < 2 * f.height + kPad; ++row) {
    int y = std::min(std::max(row, 0), 2 * f.height - 1);
    const float* even = f.planes + (y & 1) * 2 * f.cells() + (y >> 1) * f.width;
    float* line = f.luma + (row + kPad) * f.stride() + kPad;
    for (int x = 0; x < f.width; ++x) line[2 * x] = even[x], line[2 * x + 1] = even[f.cells() + x];
    std::fill(line - kPad, line, line[0]);
    std::fill(line + 2 * f.width, line + 2 * f.width + kPad, line[2 * f.width - 1]);
  }
}

// Where the source's pixels land in the target, and how far away; far is not positive where they do not.
struct Landing {
  std::vector<float> column, row, far;
  explicit Landing(int cells) : column(cells), row(cells), far(cells) {}
};

// A triangle of three neighbours on one surface. On a plane inverse distance is linear over the picture.
void triangle(const Frame& f, const Landing& l, const int (&corner)[3], float* buffer) {
  float x[3], y[3], inverse[3];
  for (int i = 0; i < 3; ++i) x[i] = l.column[corner[i]], y[i] = l.row[corner[i]];
  const float left = std::ceil(std::min(std::min(x[0], x[1]), x[2])), top = std::ceil(std::min(std::min(y[0], y[1]), y[2]));
  const float right = std::min(std::max(std::max(x[0], x[1]), x[2]) + kEdge, left + kWidest - 1);
  const float bottom = std::min(std::max(std::max(y[0], y[1]), y[2]) + kEdge, top + kWidest - 1);
  if (!(left <= right) || !(top <= bottom)) return;
  const float area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]);
  if (!(area > kThin)) return;  // seen from behind, or from its edge
  for (int i = 0; i < 3; ++i) {
    if (!(l.far[corner[i]] > kNearest)) return;
    inverse[i] = 1 / l.far[corner[i]];
  }
  for (float py = std::max(top, 0.f); py <= std::min(bottom, f.height - 1.f); ++py)
    for (float px = std::max(left, 0.f); px <= std::min(right, f.width - 1.f); ++px) {
      const float b = ((px - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (py - y[0])) / area;
      const float c = ((x[1] - x[0]) * (py - y[0]) - (px - x[0]) * (y[1] - y[0])) / area;
      if (b < -kEdge || c < -kEdge || b + c > 1 + kEdge) continue;
      float& cell = buffer[((int)py + 1) * (f.width + 2) + (int)px + 1];
      cell = std::min(cell, 1 / (inverse[0] + b * (inverse[1] - inverse[0]) + c * (inverse[2] - inverse[0])));
    }
}

// How far apart two neighbours of four come to lie, at most, along one axis.
inline float spread(const float* v, int width) {
  const float a = v[0], b = v[1], c = v[width], d = v[width + 1];
  return std::max(std::max(std::fabs(a - b), std::fabs(c - d)), std::max(std::fabs(a - c), std::fabs(b - d)));
}

// The nearest distance in each of the target's cells: of points, and of the triangles between those that are one surface,
// where these come to lie so far apart that more than a crack would be left between them.
// The buffer has one cell of margin on every side.
void splat(const Frame& f, float* buffer) {
  const int stride = f.width + 2, w = f.width;
  Landing l(f.cells());
  std::fill(buffer, buffer + stride * (f.height + 2), kNothing);
  for (int y = 0; y < f.height; ++y) {
    float *column = l.column.data() + y * w, *row = l.row.data() + y * w, *far = l.far.data() + y * w;
    const float* inverse = f.inverse + y * w;
    for (int x = 0; x < w; ++x) {
      Seen s = seen(x, y, metres(inverse[x]), f.forth, f.height, f.width);
      column[x] = s.column, row[x] = s.row, far[x] = s.far;
    }
    for (int x = 0; x < w; ++x) {
      if (!within({column[x], row[x], far[x]}, f.height, f.width)) continue;
      float& cell = buffer[((int)std::nearbyint(row[x]) + 1) * stride + (int)std::nearbyint(column[x]) + 1];
      cell = std::min(cell, far[x]);
    }
  }
  std::vector<unsigned char> torn(w);
  for (int y = 0; y + 1 < f.height; ++y) {
    const float *column = l.column.data() + y * w, *row = l.row.data() + y * w;
    const unsigned char* whole = f.whole + y * w;
    for (int x = 0; x + 1 < w; ++x)
      torn[x] = whole[x] & (spread(column + x, w) > kStretched) | whole[x] & (spread(row + x, w) > kStretched);
    for (int x = 0; x + 1 < w; ++x) {
      if (!torn[x]) continue;
      const int a = y * w + x, b = a + 1, c = a + w, d = c + 1;
      triangle(f, l, {a, b, c}, buffer);
      triangle(f, l, {b, d, c}, buffer);
    }
  }
}

void close_cracks(const Frame& f, const float* buffer) {
  const int s = f.width + 2;
  for (int y = 0; y < f.height; ++y) {
    for (int x = 0; x < f.width; ++x) {
      const float* b = buffer + (y + 1) * s + x + 1;
      float here = b[0];
      float across = std::min(std::min(std::max(b[-1], b[1]), std::max(b[-s], b[s])),
                              std::min(std::max(b[-s - 1], b[s + 1]), std::max(b[1 - s], b[s - 1])));
      float around = std::min(std::min(std::min(b[-1], b[1]), std::min(b[-s], b[s])),
                              std::min(std::min(b[-s - 1], b[s + 1]), std::min(b[1 - s], b[s - 1])));
      float filled = here < kNothing ? here : around;
      float nearer = across < filled * (1 - kAgreement) ? across : filled;
      f.own[y * f.width + x] = filled < kNothing ? filled : 0.f;
      f.near[y * f.width + x] = nearer < kNothing ? nearer : 0.f;
    }
  }
}

// Whether the pixel at `v` and the next one, `step` farther on, are of one surface; `first` and `last`: there is none before or after.
inline bool joined(const float* v, int step, bool first, bool last) {
  const float a = v[0], b = v[step], jump = b - a;
  const float before = first ? jump : a - v[-step], after = last ? jump : v[2 * step] - b;
  const float beside = jump > 0 ? std::min(before, after) : -std::max(before, after);
  return (std::max(a, b) < std::min(a, b) * kSmooth) | (std::fabs(jump) < beside * kBend);
}

void find_surfaces(const Frame& f) {
  const int w = f.width, h = f.height;
  std::fill(f.whole, f.whole + f.cells(), 1);
  std::vector<unsigned char> one(w);
  for (int y = 0; y < h; ++y) {
    unsigned char *here = f.whole + y * w, *before = y ? here - w : here;
    const float* line = f.inverse + y * w;
    for (int x = 1; x + 2 < w; ++x) one[x] = joined(line + x, 1, false, false);
    for (int x : {0, w - 2}) one[x] = joined(line + x, 1, x == 0, x + 2 == w);
    for (int x = 0; x + 1 < w; ++x) here[x] &= one[x];
    for (int x = 0; x + 1 < w; ++x) before[x] &= one[x];
  }
  for (int y = 0; y + 1 < h; ++y) {
    unsigned char* here = f.whole + y * w;
    const float* line = f.inverse + y * w;
    const bool first = y == 0, last = y + 2 == h;
    for (int x = 0; x < w; ++x) one[x] = joined(line + x, w, first, last);
    for (int x = 0; x < w; ++x) here[x] &= one[x];
    for (int x = 1; x < w; ++x) here[x - 1] &= one[x];
  }
  // beyond the last row and column edges are repeated, and a cell there is as whole as the one before it
  for (int y = 0; y < h; ++y) f.whole[y * w + w - 1] = f.whole[y * w + w - 2];
  std::copy(f.whole + (h - 2) * w, f.whole + (h - 1) * w, f.whole + (h - 1) * w);
}

void prepare(const Frame& f) {
  for (int i = 0; i < f.cells(); ++i) {
    float code = (f.planes[6 * f.cells() + i] + 1) / 2;
    f.inverse[i] = code * code;
  }
  find_surfaces(f);
  unfold_luma(f);
  const int padded = (f.width + 2) * (f.height + 2);
  std::vector<float> scratch(padded);
  splat(f, scratch.data());
  close_cracks(f, scratch.data());
}

// One row of the target, in passes that a compiler turns into vector instructions.
struct Row {
  std::vector<float> column, row, distance, found;
  std::vector<int> agree;
  explicit Row(int width) : column(width), row(width), distance(width), found(width), agree(width) {}
};

void look(const Frame& f, int y, Row& r) {
  const float* otherwise = f.own + y * f.width;  // it was no crack
  for (int x = 0; x < f.width; ++x) {
    Seen s = seen(x, y, r.distance[x], f.back, f.height, f.width);
    bool inside = (r.distance[x] > 0) & within(s, f.height, f.width);
    r.column[x] = inside ? s.column : 0.f, r.row[x] = inside ? s.row : 0.f;
    r.found[x] = inside ? s.far : 0.f;
  }
  for (int x = 0; x < f.width; ++x) {
    float expected = r.found[x], found = metres(Cell(r.column[x], r.row[x], f.height, f.width).surface(f.inverse, f.whole));
    r.agree[x] = (expected > 0) & (std::fabs(found - expected) <= kAgreement * expected);
    r.found[x] = found;
  }
  for (int x = 0; x < f.width; ++x) {
    float far = seen(r.column[x], r.row[x], r.found[x], f.forth, f.height, f.width).far;
    r.distance[x] = r.agree[x] ? far : otherwise[x];
  }
}

void fill_row(const Frame& f, int y, Row& r) {
  const int n = f.cells();
  float *out = f.out + y * f.width, *mask = f.mask + y * f.width;
  std::memcpy(r.distance.data(), f.near + y * f.width, f.width * sizeof(float));
  if (std::all_of(r.distance.begin(), r.distance.end(), [](float distance) { return distance == 0; })) {
    for (int c = 0; c < f.channels; ++c) std::fill(out + c * n, out + c * n + f.width, 0.f);
    return std::fill(mask, mask + f.width, 0.f);
  }
  look(f, y, r);
  look(f, y, r);  // the splat rounded to a cell; the second look uses the distance that the first one found
  for (int x = 0; x < f.width; ++x) {
    Cell cell(r.column[x], r.row[x], f.height, f.width);
    float distance = std::min(std::max(r.distance[x], 0.f), kFar);
    mask[x] = r.agree[x] ? 1.f : 0.f;
    out[6 * n + x] = r.agree[x] ? 2 * std::sqrt(kDepthScale / (kDepthScale + distance)) - 1 : 0.f;
    for (int c = 4; c < f.channels; ++c)
      if (c != 6) out[c * n + x] = r.agree[x] ? cell.bilinear(f.planes + c * n) : 0.f;
  }
  for (int c = 0; c < 4; ++c) {
    for (int x = 0; x < f.width; ++x) {
      Seen s = seen(x + (c & 1 ? .25f : -.25f), y + (c & 2 ? .25f : -.25f), r.distance[x], f.back, f.height, f.width);
      r.column[x] = s.column * 2 + .5f, r.row[x] = s.row * 2 + .5f;
    }
    for (int x = 0; x < f.width; ++x) out[c * n + x] = r.agree[x] ? catmull_rom(f, r.column[x], r.row[x]) : 0.f;
  }
}

}  // namespace

// planes, out [batch, channels, h, w]; motions [batch, 24]: turn and shift from source to target, then back; mask [batch, h, w].
extern "C" void reproject(const float* planes, const float* motions, float* out, float* mask, int batch, int channels,
                          int height, int width, int threads) {
  const int cells = height * width, luma = (2 * height + 2 * kPad) * (2 * width + 2 * kPad), room = 3 * cells + luma;
  std::vector<float> scratch((size_t)batch * room);
  std::vector<unsigned char> whole((size_t)batch * cells);
  std::vector<Frame> frames(batch);
  for (int b = 0; b < batch; ++b) {
    Frame& f = frames[b];
    float* room_of_it = scratch.data() + (size_t)b * room;
    f = {height, width, channels, planes + (size_t)b * channels * cells, {}, {},
         room_of_it, room_of_it + cells, room_of_it + 2 * cells, room_of_it + 3 * cells,
         out + (size_t)b * channels * cells, mask + (size_t)b * cells, whole.data() + (size_t)b * cells};
    std::memcpy(&f.forth, motions + b * 24, sizeof f.forth);
    std::memcpy(&f.back, motions + b * 24 + 12, sizeof f.back);
  }
  const int bands = (height + kRows - 1) / kRows;
  mundo::in_stages({batch, batch * bands}, threads, [&] {
    return [&, row = Row(width)](int stage, int i) mutable {
      if (stage == 0) return prepare(frames[i]);
      const Frame& f = frames[i / bands];
      for (int y = i % bands * kRows; y < std::min((i % bands + 1) * kRows, height); ++y) fill_row(f, y, row);
    };
  });
}
