// One frame seen from elsewhere: where its pixels land, and where what lands is to be looked up in it.
// Knows packed planes and camera motions; refuses to know torch, poses and files.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "camera.h"
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace mundo {

constexpr float kAgreement = .12f, kSmooth = 1.25f, kBend = 2.f, kNothing = 1e9f;
constexpr float kThin = 1e-3f, kEdge = 1e-3f, kStretched = 1.4f;
constexpr int kPad = 4, kWidest = 32;  // cells that a triangle may span

typedef float Four __attribute__((vector_size(16)));

struct Size {
  int height, width;
  int cells() const { return height * width; }
  int stride() const { return 2 * width + 2 * kPad; }  // of luma, whose edges are repeated
  int luma() const { return (2 * height + 2 * kPad) * stride(); }
};

// A frame, and what reprojection reads of it wherever it is seen from.
struct Source : Size {
  const float* planes;  // those after the seventh are seen as chroma is
  float *inverse, *luma;
  unsigned char* whole;  // whether a pixel and its right, lower and lower right neighbours are of one surface
  unsigned char* behind;  // whether something nearer lies beside it
  Source(Size size, const float* planes, float* room)
      : Size(size), planes(planes), inverse(room), luma(room + cells()), whole((unsigned char*)(luma + Size::luma())),
        behind(whole + cells() + 4) {}
  static int room(Size size) { return size.cells() + size.luma() + size.cells() / 2 + 4; }  // floats, some bytes more than it has
};

#if defined(__AVX512F__)
// The four pixels around each of sixteen positions inside the half grid, edges repeated, and where between them they lie.
// Two neighbours are looked up at a time.
struct Cells {
  __m512 x, y;
  __m512i at;
  int width;
  Cells(const float* column, const float* row, __mmask16 which, Size size) : width(size.width) {
    const __m512 zero = _mm512_setzero_ps();
    const __m512 across = _mm512_min_ps(_mm512_max_ps(_mm512_maskz_loadu_ps(which, column), zero), _mm512_set1_ps(size.width - 1));
    const __m512 down = _mm512_min_ps(_mm512_max_ps(_mm512_maskz_loadu_ps(which, row), zero), _mm512_set1_ps(size.height - 1));
    const __m512i left = _mm512_min_epi32(_mm512_cvttps_epi32(across), _mm512_set1_epi32(size.width - 2));
    const __m512i top = _mm512_min_epi32(_mm512_cvttps_epi32(down), _mm512_set1_epi32(size.height - 2));
    x = _mm512_sub_ps(across, _mm512_cvtepi32_ps(left)), y = _mm512_sub_ps(down, _mm512_cvtepi32_ps(top));
    at = _mm512_add_epi32(_mm512_mullo_epi32(top, _mm512_set1_epi32(width)), left);
  }
  void pairs(const float* p, __m512& left, __m512& right) const {
    const __m512 low = _mm512_castpd_ps(_mm512_i32gather_pd(_mm512_castsi512_si256(at), p, 4));
    const __m512 high = _mm512_castpd_ps(_mm512_i32gather_pd(_mm512_extracti64x4_epi64(at, 1), p, 4));
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    left = _mm512_permutex2var_ps(low, even, high);
    right = _mm512_permutex2var_ps(low, _mm512_add_epi32(even, _mm512_set1_epi32(1)), high);
  }
  __m512 mix(__m512 a, __m512 b, __m512 c, __m512 d) const {
    const __m512 above = _mm512_fmadd_ps(_mm512_sub_ps(b, a), x, a), below = _mm512_fmadd_ps(_mm512_sub_ps(d, c), x, c);
    return _mm512_fmadd_ps(below, y, _mm512_mul_ps(above, _mm512_sub_ps(_mm512_set1_ps(1), y)));
  }
  __m512 bilinear(const float* p) const {
    __m512 a, b, c, d;
    pairs(p, a, b), pairs(p + width, c, d);
    return mix(a, b, c, d);
  }
  __m512 surface(const float* p, const unsigned char* whole) const {
    __m512 a, b, c, d;
    pairs(p, a, b), pairs(p + width, c, d);
    const __mmask16 left = _mm512_cmp_ps_mask(x, _mm512_set1_ps(.5f), _CMP_LT_OS);
    const __mmask16 upper = _mm512_cmp_ps_mask(y, _mm512_set1_ps(.5f), _CMP_LT_OS);
    const __m512 nearest = _mm512_mask_blend_ps(upper, _mm512_mask_blend_ps(left, d, c), _mm512_mask_blend_ps(left, b, a));
    const __m512i joined = _mm512_i32gather_epi32(at, whole, 1);  // and three bytes after each
    return _mm512_mask_mov_ps(nearest, _mm512_test_epi32_mask(joined, _mm512_set1_epi32(255)), mix(a, b, c, d));
  }
};

// `read(cells)` of part of a row of positions.
template <typename Read>
void read_cells(const float* column, const float* row, int from, int to, Size size, float* out, const Read& read) {
  for (int i = from; i < to; i += 16) {
    const __mmask16 which = to - i < 16 ? (1 << (to - i)) - 1 : 0xffff;
    _mm512_mask_storeu_ps(out + i, which, read(Cells(column + i, row + i, which, size)));
  }
}
#else
// The four pixels around a position inside the half grid, edges repeated, and where between them it lies.
struct Cell {
  int at, below;
  float x, y;
  Cell(float column, float row, Size size) {
    column = std::min(std::max(column, 0.f), size.width - 1.f), row = std::min(std::max(row, 0.f), size.height - 1.f);
    const int left = std::min((int)column, size.width - 2), top = std::min((int)row, size.height - 2);
    x = column - left, y = row - top, at = top * size.width + left, below = at + size.width;
  }
  float mix(float a, float b, float c, float d) const {
    return (a + (b - a) * x) * (1 - y) + (c + (d - c) * x) * y;
  }
  float bilinear(const float* p) const { return mix(p[at], p[at + 1], p[below], p[below + 1]); }
  float surface(const float* p, const unsigned char* whole) const {
    float a = p[at], b = p[at + 1], c = p[below], d = p[below + 1];
    float nearest = y < .5f ? (x < .5f ? a : b) : (x < .5f ? c : d);
    return whole[at] ? mix(a, b, c, d) : nearest;
  }
};

template <typename Read>
void read_cells(const float* column, const float* row, int from, int to, Size size, float* out, const Read& read) {
  for (int i = from; i < to; ++i) out[i] = read(Cell(column[i], row[i], size));
}
#endif

inline Four load(const float* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline Four cubic(float x) {  // Catmull-Rom
  const Four a = {-.5f, 1.5f, -1.5f, .5f}, b = {1.f, -2.5f, 2.f, -.5f}, c = {-.5f, 0.f, .5f, 0.f}, d = {0.f, 1.f, 0.f, 0.f};
  return ((a * x + b) * x + c) * x + d;
}

inline float catmull_rom(const Source& f, float column, float row) {
  column = std::min(std::max(column, -2.f), 2.f * f.width + 1), row = std::min(std::max(row, -2.f), 2.f * f.height + 1);
  float left = std::floor(column), top = std::floor(row);
  const float* p = f.luma + ((int)top - 1 + kPad) * f.stride() + (int)left - 1 + kPad;
  Four down = cubic(row - top);
  Four sum = load(p) * down[0] + load(p + f.stride()) * down[1] + load(p + 2 * f.stride()) * down[2] +
             load(p + 3 * f.stride()) * down[3];
  sum *= cubic(column - left);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// Whether the pixel at `v` and the next one, `step` farther on, are of one surface; `first` and `last`: there is none before or after.
inline bool joined(const float* v, int step, bool first, bool last) {
  const float a = v[0], b = v[step], jump = b - a;
  const float before = first ? jump : a - v[-step], after = last ? jump : v[2 * step] - b;
  const float beside = jump > 0 ? std::min(before, after) : -std::max(before, after);
  return (std::max(a, b) < std::min(a, b) * kSmooth) | (std::fabs(jump) < beside * kBend);
}

inline void find_surfaces(const Source& f) {
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

// The most of each cell and the eight around it, the border repeated, row by row.
inline void find_behind(const Source& f) {
  const int w = f.width;
  std::vector<float> column(w + 2);
  for (int y = 0; y < f.height; ++y) {
    const float *here = f.inverse + y * w, *above = y ? here - w : here, *below = y + 1 < f.height ? here + w : here;
    for (int x = 0; x < w; ++x) column[x + 1] = std::max(here[x], std::max(above[x], below[x]));
    column[0] = column[1], column[w + 1] = column[w];
    for (int x = 0; x < w; ++x)
      f.behind[y * w + x] = std::max(column[x + 1], std::max(column[x], column[x + 2])) > here[x] * kSmooth;
  }
}

inline void unfold_luma(const Source& f) {
  for (int row = -kPad; row < 2 * f.height + kPad; ++row) {
    int y = std::min(std::max(row, 0), 2 * f.height - 1);
    const float* even = f.planes + (y & 1) * 2 * f.cells() + (y >> 1) * f.width;
    float* line = f.luma + (row + kPad) * f.stride() + kPad;
    for (int x = 0; x < f.width; ++x) line[2 * x] = even[x], line[2 * x + 1] = even[f.cells() + x];
    std::fill(line - kPad, line, line[0]);
    std::fill(line + 2 * f.width, line + 2 * f.width + kPad, line[2 * f.width - 1]);
  }
}

inline void prepare(const Source& f) {
  for (int i = 0; i < f.cells(); ++i) {
    float code = (f.planes[6 * f.cells() + i] + 1) / 2;
    f.inverse[i] = code * code;
  }
  find_surfaces(f), find_behind(f);
  unfold_luma(f);
}

// A source and the camera that it is seen from: the nearest distance in each of the target's cells, 0 where there is none,
// with cracks closed and without.
struct Warp {
  Source source;
  Motion forth, back;
  float *near, *own;
};

// Where a source's pixels land, and how far away; far is not positive where they do not. And the target's nearest
// distances, with one cell of margin on every side.
struct Landing {
  std::vector<float> column, row, far, inverse, nearest;
  std::vector<int> cell;
  std::vector<unsigned char> torn;
  void shape(Size size) {
    for (auto* part : {&column, &row, &far, &inverse}) part->resize(size.cells());
    nearest.assign((size_t)(size.width + 2) * (size.height + 2) + 4, kNothing), torn.resize(size.width), cell.resize(size.width);
  }
};

// A triangle of three neighbours on one surface. On a plane inverse distance is linear over the picture.
inline void triangle(Size f, Landing& l, const int (&corner)[3]) {
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
    inverse[i] = l.inverse[corner[i]];
  }
  const float scale = 1 / area, one = inverse[1] - inverse[0], two = inverse[2] - inverse[0];
  const float bx = (y[2] - y[0]) * scale, by = (x[0] - x[2]) * scale, cx = (y[0] - y[1]) * scale, cy = (x[1] - x[0]) * scale;
  const float first = std::max(left, 0.f), last = std::min(right, f.width - 1.f);
  for (float py = std::max(top, 0.f); py <= std::min(bottom, f.height - 1.f); ++py)
    for (float px = first; px <= last; px += 4) {  // four cells at a time
      const Four at = Four{0, 1, 2, 3} + px;
      const Four b = (at - x[0]) * bx + (py - y[0]) * by, c = (at - x[0]) * cx + (py - y[0]) * cy;
      const Four far = 1 / (inverse[0] + b * one + c * two);
      float* cell = l.nearest.data() + ((int)py + 1) * (f.width + 2) + (int)px + 1;
      const Four before = load(cell);
      const auto nearer = (b >= -kEdge) & (c >= -kEdge) & (b + c <= 1 + kEdge) & (at <= last) & (far < before);
      const Four after = nearer ? far : before;
      std::memcpy(cell, &after, sizeof after);
    }
}

// How far apart two neighbours of four come to lie, at most, along one axis.
inline float spread(const float* v, int width) {
  const float a = v[0], b = v[1], c = v[width], d = v[width + 1];
  return std::max(std::max(std::fabs(a - b), std::fabs(c - d)), std::max(std::fabs(a - c), std::fabs(b - d)));
}

// The nearest distance in each of the target's cells: of points, and of the triangles between those that are one surface,
// where these come to lie so far apart that more than a crack would be left between them.
inline void splat(const Warp& warp, Landing& l) {
  const Source& f = warp.source;
  const int stride = f.width + 2, w = f.width;
  const float nowhere = stride * (f.height + 2);
  l.shape(f);
  float* nearest = l.nearest.data();
  int* cell = l.cell.data();
  for (int y = 0; y < f.height; ++y) {
    float *column = l.column.data() + y * w, *row = l.row.data() + y * w, *far = l.far.data() + y * w,
          *near = l.inverse.data() + y * w;
    const float* inverse = f.inverse + y * w;
    #pragma GCC ivdep
    for (int x = 0; x < w; ++x) {
      Seen s = seen(x, y, metres(inverse[x]), warp.forth, f.height, f.width);
      column[x] = s.column, row[x] = s.row, far[x] = s.far, near[x] = 1 / s.far;
    }
    #pragma GCC ivdep
    for (int x = 0; x < w; ++x) {
      const bool inside = within({column[x], row[x], far[x]}, f.height, f.width);
      const float at = (std::nearbyint(row[x]) + 1) * stride + std::nearbyint(column[x]) + 1;
      cell[x] = (int)(inside ? at : nowhere);
    }
    for (int x = 0; x < w; ++x) nearest[cell[x]] = std::min(nearest[cell[x]], far[x]);
  }
  unsigned char* torn = l.torn.data();
  for (int y = 0; y + 1 < f.height; ++y) {
    const float *column = l.column.data() + y * w, *row = l.row.data() + y * w;
    const unsigned char* whole = f.whole + y * w;
    for (int x = 0; x + 1 < w; ++x)
      torn[x] = whole[x] & (spread(column + x, w) > kStretched) | whole[x] & (spread(row + x, w) > kStretched);
    for (int x = 0; x + 1 < w; ++x) {
      if (!torn[x]) continue;
      const int a = y * w + x, b = a + 1, c = a + w, d = c + 1;
      triangle(f, l, {a, b, c});
      triangle(f, l, {b, d, c});
    }
  }
}

inline void close_cracks(const Warp& warp, const float* nearest) {
  const int width = warp.source.width, s = width + 2;
  for (int y = 0; y < warp.source.height; ++y) {
    #pragma GCC ivdep
    for (int x = 0; x < width; ++x) {
      const float* b = nearest + (y + 1) * s + x + 1;
      float here = b[0];
      float across = std::min(std::min(std::max(b[-1], b[1]), std::max(b[-s], b[s])),
                              std::min(std::max(b[-s - 1], b[s + 1]), std::max(b[1 - s], b[s - 1])));
      float around = std::min(std::min(std::min(b[-1], b[1]), std::min(b[-s], b[s])),
                              std::min(std::min(b[-s - 1], b[s + 1]), std::min(b[1 - s], b[s - 1])));
      float filled = here < kNothing ? here : around;
      float nearer = across < filled * (1 - kAgreement) ? across : filled;
      warp.own[y * width + x] = filled < kNothing ? filled : 0.f;
      warp.near[y * width + x] = nearer < kNothing ? nearer : 0.f;
    }
  }
}

inline void land(const Warp& warp) {
  thread_local Landing landing;
  splat(warp, landing);
  close_cracks(warp, landing.nearest.data());
}

// One row of the target, in passes that a compiler turns into vector instructions.
struct Row {
  std::vector<float> column, row, distance, found, read;
  std::vector<int> agree, own;
  explicit Row(int width) : column(width), row(width), distance(width), found(width), read(width), agree(width), own(width) {}
  void bilinear(const float* plane, Size size, int from, int to, float* out) const {
    read_cells(column.data(), row.data(), from, to, size, out, [&](const auto& cells) { return cells.bilinear(plane); });
  }
  // What is seen there as chroma is: between cells, or of its own one alone, see `find_own`.
  void chroma(const float* plane, Size size, int from, int to, float* out) const {
    bilinear(plane, size, from, to, out);
    for (int x = from; x < to; ++x)
      if (own[x] >= 0) out[x] = plane[own[x]];
  }
};

// Part of a row, of which `distance` is known so far.
inline void look_once(const Warp& warp, int y, int from, int to, Row& r) {
  const Source& f = warp.source;
  const float* otherwise = warp.own + y * f.width;  // it was no crack
  for (int x = from; x < to; ++x) {
    Seen s = seen(x, y, r.distance[x], warp.back, f.height, f.width);
    bool inside = (r.distance[x] > 0) & within(s, f.height, f.width);
    r.column[x] = inside ? s.column : 0.f, r.row[x] = inside ? s.row : 0.f;
    r.found[x] = inside ? s.far : 0.f;
  }
  read_cells(r.column.data(), r.row.data(), from, to, f, r.read.data(), [&](const auto& c) { return c.surface(f.inverse, f.whole); });
  for (int x = from; x < to; ++x) {
    float expected = r.found[x], found = metres(r.read[x]);
    r.agree[x] = (expected > 0) & (std::fabs(found - expected) <= kAgreement * expected);
    r.found[x] = found;
  }
  for (int x = from; x < to; ++x) {
    float far = seen(r.column[x], r.row[x], r.found[x], warp.forth, f.height, f.width).far;
    r.distance[x] = r.agree[x] ? far : otherwise[x];
  }
}

// The splat rounded to a cell; the second look uses the distance that the first one found.
inline void look(const Warp& warp, int y, int from, int to, Row& r) {
  std::copy(warp.near + y * warp.source.width + from, warp.near + y * warp.source.width + to, r.distance.begin() + from);
  look_once(warp, y, from, to, r);
  look_once(warp, y, from, to, r);
}

// The columns of a row in which anything landed.
inline std::pair<int, int> reached(const Warp& warp, int y) {
  const float *begin = warp.near + y * warp.source.width, *end = begin + warp.source.width;
  auto there = [](float distance) { return distance != 0; };
  const float* first = std::find_if(begin, end, there);
  const float* last = end;
  while (last > first && !there(last[-1])) --last;
  return {(int)(first - begin), (int)(last - begin)};
}

inline float depth_plane(float distance) {
  return 2 * std::sqrt(kDepthScale / (kDepthScale + std::min(std::max(distance, 0.f), kFar))) - 1;
}

// The nearest distance in a target's cell and the eight around it, if any.
inline float nearest_beside(const Warp& warp, int x, int y) {
  const Size& size = warp.source;
  float nearest = kNothing;
  for (int row = std::max(y - 1, 0); row <= std::min(y + 1, size.height - 1); ++row)
    for (int column = std::max(x - 1, 0); column <= std::min(x + 1, size.width - 1); ++column) {
      const float distance = warp.near[row * size.width + column];
      if (distance > 0) nearest = std::min(nearest, distance);
    }
  return nearest;
}

// Which cell of the source, counted by rows, those of part of a row look at, where something nearer beside it is not beside them
// any more, and must not be seen in them; -1 elsewhere.
template <typename There>
void find_own(const Warp& warp, int y, int from, int to, Row& r, const There& there) {
  const Source& f = warp.source;
  for (int x = from; x < to; ++x) {
    const int column = std::min(std::max((int)(r.column[x] + .5f), 0), f.width - 1);
    const int row = std::min(std::max((int)(r.row[x] + .5f), 0), f.height - 1), own = row * f.width + column;
    const bool alone = there(x) && f.behind[own] && nearest_beside(warp, x, y) >= r.distance[x] * (1 - kAgreement);
    r.own[x] = alone ? own : -1;
  }
}

// Luma of one cell alone, between its four pixels.
inline float within_cell(const Source& f, int cell, float column, float row) {
  const int left = 2 * (cell % f.width), top = 2 * (cell / f.width);
  const float x = std::min(std::max(column - left, 0.f), 1.f), y = std::min(std::max(row - top, 0.f), 1.f);
  const float *a = f.luma + (top + kPad) * f.stride() + left + kPad, *b = a + f.stride();
  return (a[0] + (a[1] - a[0]) * x) * (1 - y) + (b[0] + (b[1] - b[0]) * x) * y;
}

// Luma at one of the four pixels of each cell of part of a row, where `there` says so, and nothing that is not seen
// beside it, see `find_own`. Overwrites columns and rows.
template <typename There>
void look_up_luma(const Warp& warp, int y, int from, int to, int c, Row& r, float* out, const There& there) {
  const Source& f = warp.source;
  for (int x = from; x < to; ++x) {
    Seen s = seen(x + (c & 1 ? .25f : -.25f), y + (c & 2 ? .25f : -.25f), r.distance[x], warp.back, f.height, f.width);
    r.column[x] = s.column * 2 + .5f, r.row[x] = s.row * 2 + .5f;
  }
  for (int x = from; x < to; ++x) {
    if (!there(x)) continue;
    out[x] = r.own[x] < 0 ? catmull_rom(f, r.column[x], r.row[x]) : within_cell(f, r.own[x], r.column[x], r.row[x]);
  }
}

}  // namespace mundo
