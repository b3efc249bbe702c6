// Views of one place laid over each other: what model/overlay.py's `overlaid` computes, without drawing what is then hidden.
// Knows packed planes, masks and camera motions; refuses to know torch, and what encodes the picture.
#include <array>

#include "stages.h"
#include "warp.h"

namespace {

using namespace mundo;

constexpr int kDepth = 6, kDrawn = 7, kOwn = 8, kPlanes = 8, kCell = 8;
constexpr float kFeather = 6.f;  // half-resolution pixels from its border within which a picture goes over into others
constexpr float kGuess = 1.f, kNotOwn = -.95f, kSame = .06f, kNearer = .04f, kSome = .02f, kNowhere = 1e30f;

struct View {
  Warp warp;
  bool same_light;  // as the last frame's
};

// Keyframes, then the last frame, then dreams. All planes are of `size`.
struct Overlay {
  Size size;
  int keys;
  std::vector<View> views;
  float *out, *known, *hidden, *shares;
  std::vector<float> sums;  // of each cell: of what is known of each plane, and how many pixels are
  int columns() const { return size.width / kCell; }
  int cells() const { return size.height / kCell * columns(); }
  bool feathers() const { return keys == 1 && views[0].same_light; }  // whether one picture leads, and goes over into others
};

// What a view shows of a row: which pixels, their depth, from how far they were drawn, and whether no keyframe has them.
struct Shown {
  Row row;
  std::vector<float> mask, depth, drawn, own, metres, taken;
  std::vector<float> inner;  // how far from its border, 1 where nothing else is mixed in
  std::vector<float> beside, mixed;  // what may be mixed into another's border, and what is
  int from = 0, to = 0;
  explicit Shown(int w)
      : row(w), mask(w), depth(w), drawn(w), own(w), metres(w), taken(w), inner(w), beside(w), mixed(w) {}
};

using Line = std::vector<Shown>;

void clear(Shown& s) {
  for (auto* part : {&s.mask, &s.depth, &s.drawn, &s.own, &s.taken, &s.beside, &s.mixed}) std::fill(part->begin(), part->end(), 0.f);
  s.from = s.to = 0;
}

// Of some columns, after those to their left.
void show(const View& view, int y, int from, int to, bool own, Shown& s) {
  const Source& f = view.warp.source;
  const auto [first, last] = reached(view.warp, y);
  from = std::max(first, from), to = std::min(last, to);
  if (from >= to) return;
  s.from = s.to ? s.from : from, s.to = to;
  look(view.warp, y, from, to, s.row);
  #pragma GCC ivdep
  for (int x = from; x < to; ++x) {
    s.mask[x] = s.row.agree[x];
    s.depth[x] = s.mask[x] * depth_plane(s.row.distance[x]);
  }
  s.row.bilinear(f.planes + kDrawn * f.cells(), f, from, to, s.drawn.data());
  if (own) s.row.bilinear(f.planes + kOwn * f.cells(), f, from, to, s.own.data());
  #pragma GCC ivdep
  for (int x = from; x < to; ++x) s.drawn[x] *= s.mask[x], s.own[x] *= s.mask[x];
}

// The halves of a row without the columns at their ends that are not asked for: borders lie in both.
template <typename Asked, typename Do>
void in_halves(int w, const Asked& asked, const Do& go) {
  for (int half : {0, 1}) {
    int from = half * (w / 2), to = half ? w : w / 2;
    while (from < to && !asked(from)) ++from;
    while (to > from && !asked(to - 1)) --to;
    if (from < to) go(from, to);
  }
}

// How far inside its border lies what a view shows.
void find_inner(const View& view, Shown& s) {
  const Source& f = view.warp.source;
  std::fill(s.inner.begin(), s.inner.end(), 1.f);
  #pragma GCC ivdep
  for (int x = s.from; x < s.to; ++x) {
    const float column = s.row.column[x], row = s.row.row[x];
    const float inside = std::min(std::min(column, f.width - 1 - column), std::min(row, f.height - 1 - row));
    s.inner[x] = s.mask[x] > 0 ? std::min((std::max(inside, 0.f) + .5f) / kFeather, 1.f) : 1.f;
  }
}

inline float no_guess(float drawn) { return drawn < (1 + kGuess) / 2 ? 1.f : 0.f; }

// What lies between parts that a view shows, and is not shown, or only guessed.
void hide(const Shown& s, float* hidden) {
  int first = s.from, last = s.to;
  while (first < last && s.mask[first] == 0) ++first;
  while (last > first && s.mask[last - 1] == 0) --last;
  for (int x = first; x < last; ++x) hidden[x] = std::max(hidden[x], 1 - s.mask[x] * no_guess(s.drawn[x]));
}

// Which pixels each view may give.
void allow(const Overlay& o, Line& line, float* hidden, int y) {
  const int w = o.size.width, last = o.keys, count = (int)line.size();
  thread_local std::vector<float> redrawn, covered;
  redrawn.assign(w, 0.f), covered.assign(w, 0.f);
  for (Shown& s : line) clear(s);
  for (int v = 0; v <= last; ++v) show(o.views[v], y, 0, w, v == last, line[v]);
  for (int v = last + 1; v < count && !o.keys; ++v) show(o.views[v], y, 0, w, false, line[v]);
  std::fill(hidden, hidden + w, 0.f);
  for (int v = 0; v < (o.keys ? o.keys : count); ++v) hide(line[v], hidden);
  Shown& newest = line[last];
  for (int x = 0; x < w; ++x) {
    newest.mask[x] *= no_guess(newest.drawn[x]) * (hidden[x] == 0 ? 1.f : 0.f);
    redrawn[x] = newest.own[x] > .5f ? newest.mask[x] : 0.f;
  }
  for (int v = 0; v < last; ++v) {
    Shown& s = line[v];
    #pragma GCC ivdep
    for (int x = 0; x < w; ++x) {
      const float here = (s.depth[x] + 1) / 2, there = (newest.depth[x] + 1) / 2;
      const bool finer = o.views[v].same_light & (std::fabs(here - there) <= kSame * here) &
                         (s.drawn[x] <= newest.drawn[x] - kNearer) & (redrawn[x] > 0);
      s.mask[x] *= (finer ? 0.f : 1.f) * (s.drawn[x] > kNotOwn ? 1.f : 0.f) * no_guess(s.drawn[x]);
      covered[x] = std::max(covered[x], s.mask[x]);
    }
  }
  for (int x = 0; x < w; ++x) {
    newest.mask[x] *= covered[x] == 0 ? 1.f : 0.f;
    redrawn[x] = std::max(covered[x], redrawn[x]);
  }
  Shown& leads = line[0];
  const bool feathers = o.feathers();
  if (feathers) find_inner(o.views[0], leads);
  auto open = [&](int x) { return covered[x] == 0 || (feathers && leads.inner[x] < 1); };
  for (int v = last + 1; v < count; ++v) {
    Shown& s = line[v];
    if (o.keys) in_halves(w, open, [&](int from, int to) { show(o.views[v], y, from, to, false, s); });
    const auto& before = o.views[v].same_light ? redrawn : covered;
    const bool mixes = feathers && o.views[v].same_light;
    for (int x = 0; x < w; ++x) {
      s.mask[x] *= (s.drawn[x] > kNotOwn ? 1.f : 0.f) * no_guess(s.drawn[x]);
      s.beside[x] = mixes && leads.mask[x] > 0 && leads.inner[x] < 1 ? s.mask[x] : 0.f;
      s.mask[x] *= before[x] == 0 ? 1.f : 0.f;
      newest.mask[x] *= s.mask[x] == 0 ? 1.f : 0.f;
    }
  }
}

// Of the views that show the nearest surface the first one gives a pixel: of those that may, and are then said to.
void choose(Line& line, std::vector<float> Shown::*may, std::vector<float> Shown::*gives, float* known, int w) {
  thread_local std::vector<float> surface;
  surface.assign(w, kNowhere);
  for (Shown& s : line)
    for (int x = 0; x < w; ++x) {
      const float code = (s.depth[x] + 1) / 2;
      s.metres[x] = metres(code * code);
      surface[x] = (s.*may)[x] > 0 ? std::min(surface[x], s.metres[x]) : surface[x];
    }
  std::fill(known, known + w, 0.f);
  for (Shown& s : line)
    for (int x = 0; x < w; ++x) {
      const bool near = std::fabs(s.metres[x] - surface[x]) <= kAgreement * surface[x];
      const float given = ((s.*may)[x] > 0) & (known[x] == 0) & near ? 1.f : 0.f;
      (s.*gives)[x] = given, known[x] += given;
    }
}

void draw(const View& view, Shown& s, int y, float* out, int n) {
  const Source& f = view.warp.source;
  auto there = [&](int x) { return s.taken[x] != 0; };
  in_halves((int)s.taken.size(), there, [&](int from, int to) {
    auto give = [&](int plane, const float* values) {
      float* to_plane = out + plane * n;
      for (int x = from; x < to; ++x) to_plane[x] = there(x) ? values[x] : to_plane[x];
    };
    give(kDepth, s.depth.data()), give(kDrawn, s.drawn.data());
    find_own(view.warp, y, from, to, s.row, there);
    for (int c : {4, 5}) s.row.chroma(f.planes + c * n, f, from, to, s.row.read.data()), give(c, s.row.read.data());
    for (int c = 0; c < 4; ++c) look_up_luma(view.warp, y, from, to, c, s.row, out + c * n, there);
  });
}

// The same of colours alone, mixed into the border of what leads.
void mix(const View& view, Shown& s, const Shown& leads, int y, float* out, int n) {
  const Source& f = view.warp.source;
  auto there = [&](int x) { return s.mixed[x] != 0; };
  in_halves((int)s.mixed.size(), there, [&](int from, int to) {
    auto give = [&](int plane) {
      float* to_plane = out + plane * n;
      for (int x = from; x < to; ++x)
        if (there(x)) to_plane[x] = s.row.read[x] + (to_plane[x] - s.row.read[x]) * leads.inner[x];
    };
    look(view.warp, y, from, to, s.row);
    find_own(view.warp, y, from, to, s.row, there);
    for (int c : {4, 5}) s.row.chroma(f.planes + c * n, f, from, to, s.row.read.data()), give(c);
    for (int c = 0; c < 4; ++c) look_up_luma(view.warp, y, from, to, c, s.row, s.row.read.data(), there), give(c);
  });
}

inline void add_cells(const float* line, float* to, int w) {
  for (int x = 0; x < w; x += kCell)
    for (int i = 0; i < kCell; ++i) to[x / kCell] += line[x + i];
}

// The rows of one row of cells.
void lay(Overlay& o, int band, Line& line) {
  const int w = o.size.width, n = o.size.cells(), at = band * o.columns();
  thread_local std::vector<float> beside;
  for (size_t v = 0; v < line.size(); ++v) std::fill_n(o.shares + v * o.cells() + at, o.columns(), 0.f);
  for (int y = band * kCell; y < (band + 1) * kCell; ++y) {
    float *out = o.out + y * w, *known = o.known + y * w;
    allow(o, line, o.hidden + y * w, y);
    choose(line, &Shown::mask, &Shown::taken, known, w);
    if (o.feathers()) beside.resize(w), choose(line, &Shown::beside, &Shown::mixed, beside.data(), w);
    for (int c = 0; c < kPlanes; ++c) std::fill(out + c * n, out + c * n + w, 0.f);
    for (size_t v = 0; v < line.size(); ++v) {
      draw(o.views[v], line[v], y, out, n);
      if (o.feathers()) mix(o.views[v], line[v], line[0], y, out, n);
      add_cells(line[v].taken.data(), o.shares + v * o.cells() + at, w);
    }
    for (int c = 0; c <= kPlanes; ++c)
      add_cells(c < kPlanes ? out + c * n : known, o.sums.data() + (size_t)c * o.cells() + at, w);
  }
  for (size_t v = 0; v < line.size(); ++v)
    for (int i = 0; i < o.columns(); ++i) o.shares[v * o.cells() + at + i] /= kCell * kCell;
}

// Means of what is known around each cell: of squares as small as they can be and still have something known in them.
std::vector<float> soft(const float* total, const float* known, int rows, int columns) {
  float all = 0, all_known = 0;
  const int count = rows * columns;
  for (int i = 0; i < count; ++i) all += total[i], all_known += known[i];
  const float area = kCell * kCell, everything = area * count;
  std::vector<float> out(count, all / everything / std::max(all_known / everything, 1e-4f));
  for (int side : {4, 2, 1}) {
    if (rows % side || columns % side) continue;
    for (int top = 0; top < rows; top += side)
      for (int left = 0; left < columns; left += side) {
        float sum = 0, some = 0;
        for (int y = top; y < top + side; ++y)
          for (int x = left; x < left + side; ++x) sum += total[y * columns + x], some += known[y * columns + x];
        sum /= area * side * side, some /= area * side * side;
        if (some <= kSome) continue;
        for (int y = top; y < top + side; ++y) std::fill_n(out.begin() + y * columns + left, side, sum / std::max(some, 1e-4f));
      }
  }
  return out;
}

void fill_holes(const Overlay& o, int plane) {
  const int w = o.size.width;
  const float* sums = o.sums.data();
  const std::vector<float> fill =
      soft(sums + (size_t)plane * o.cells(), sums + (size_t)kPlanes * o.cells(), o.size.height / kCell, o.columns());
  for (int y = 0; y < o.size.height; ++y) {
    float* to = o.out + (size_t)plane * o.size.cells() + y * w;
    const float *known = o.known + y * w, *from = fill.data() + y / kCell * o.columns();
    for (int x = 0; x < w; ++x) to[x] += from[x / kCell] * (1 - known[x]);
  }
}

}  // namespace

// Floats that `overlay_prepare` writes of a frame of this size.
extern "C" int overlay_room(int height, int width) { return Source::room({height, width}); }

// What is read of planes [7 or more, h, w] wherever they are seen from.
extern "C" void overlay_prepare(const float* planes, float* room, int height, int width) {
  prepare(Source({height, width}, planes, room));
}

// `counts`: views, and of them keyframes, which come first, the last frame after them; threads. Of each view its planes
// [9, h, w], its room, its pose, and whether it shows the last frame's light; the pose that is looked from -> out [8, h, w]
// without holes, which pixels are known and which something near hid [h, w], and the share of each cell that each view
// gave [views, h / 8, w / 8].
extern "C" void overlay(const int* counts, const float* const* planes, float* const* rooms, const Pose* poses,
                        const bool* same_light, const Pose& here, float* out, float* known, float* hidden, float* shares, int height,
                        int width) {
  thread_local std::vector<float> landed;
  const Size size{height, width};
  const int count = counts[0], n = size.cells();
  landed.resize((size_t)count * 2 * n);
  Overlay o{size, counts[1], {}, out, known, hidden, shares, {}};
  o.sums.assign((size_t)(kPlanes + 1) * o.cells(), 0.f);
  for (int v = 0; v < count; ++v) {
    float* near = landed.data() + (size_t)v * 2 * n;
    const Motion forth = motion(poses[v], here), back = motion(here, poses[v]);
    o.views.push_back({{Source(size, planes[v], rooms[v]), forth, back, near, near + n}, same_light[v]});
  }
  mundo::in_stages({count, height / kCell, kPlanes}, counts[2], [&] {
    return [&, line = Line(count, Shown(width))](int stage, int i) mutable {
      if (stage == 0) land(o.views[i].warp);
      if (stage == 1) lay(o, i, line);
      if (stage == 2) fill_holes(o, i);
    };
  });
}
