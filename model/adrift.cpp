// Pieces of near surfaces that hang together with nothing or stick out: what model/adrift.py's `_adrift` finds, many times faster.
// Knows depth and masks; refuses to know torch, colours, and where pieces come from.
#include <vector>

#include "camera.h"

namespace {

constexpr float kSpanSquared = mundo::kSpan * mundo::kSpan;

// What a piece is: how many pixels, how many of them well inside, how often it ends at something nearer, or at the
// picture's border, and at all; its area in square metres, and the sum of its distances.
struct Piece {
  int pixels = 0, inside = 0, nearer = 0, cut = 0, ends = 0;
  float area = 0, metres = 0;
};

struct Limits {
  float joined, near, area, covered, cut, jump, sides;
};

// Whether a pixel sticks out of a surface: what lies on three sides of it is farther, or not known.
bool sticks_out(const float* depth, const float* known, int y, int x, int height, int width, const Limits& limits) {
  const int here = y * width + x;
  auto farther = [&](bool there, int at) { return there && (known[at] == 0 || depth[at] < depth[here] - limits.jump); };
  return farther(x > 0, here - 1) + farther(x + 1 < width, here + 1) + farther(y > 0, here - width) +
             farther(y + 1 < height, here + width) >= limits.sides;
}

int root(std::vector<int>& of, int at) {
  while (of[at] != at) at = of[at] = of[of[at]];
  return at;
}

void join(std::vector<int>& of, int a, int b) {
  a = root(of, a), b = root(of, b);
  of[std::max(a, b)] = std::min(a, b);
}

}  // namespace

// depth [h, w] as packed planes have it and known [h, w], 0 or 1 -> adrift [h, w], 0 or 1. `limits` as model/adrift.py has
// them, in the order of Limits.
extern "C" void adrift(const float* depth, const float* known, const Limits* given, float* adrift, int height, int width) {
  const Limits limits = *given;
  const int n = height * width;
  std::vector<int> of(n);
  std::vector<Piece> pieces(n);
  for (int i = 0; i < n; ++i) of[i] = i;
  auto joined = [&](int i, int j) { return known[i] > 0 && known[j] > 0 && std::fabs(depth[i] - depth[j]) < limits.joined; };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int i = y * width + x;
      if (x + 1 < width && joined(i, i + 1)) join(of, i, i + 1);
      if (y + 1 < height && joined(i, i + width)) join(of, i, i + width);
    }
  for (int i = 0; i < n; ++i) of[i] = root(of, i);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int i = y * width + x;
      if (known[i] == 0) continue;
      Piece& piece = pieces[of[i]];
      const float code = (depth[i] + 1) / 2, far = mundo::metres(code * code);
      ++piece.pixels, piece.metres += far, piece.area += far * far * (kSpanSquared / (height * height));
      bool inside = true;
      auto beside = [&](bool there, int j) {
        if (there && of[j] == of[i] && known[j] > 0) return;
        inside = false, ++piece.ends;
        if (!there) ++piece.cut;
        if (there && known[j] > 0 && depth[j] > depth[i]) ++piece.nearer;
      };
      beside(x > 0, i - 1), beside(x + 1 < width, i + 1), beside(y > 0, i - width), beside(y + 1 < height, i + width);
      piece.inside += inside;
    }
  for (int i = 0; i < n; ++i) {
    if (known[i] == 0) {
      adrift[i] = 0;
      continue;
    }
    const Piece& piece = pieces[of[i]];
    const bool near = piece.metres < limits.near * piece.pixels, small = piece.area < limits.area || piece.inside == 0;
    const bool alone = piece.nearer <= limits.covered * piece.ends && piece.cut <= limits.cut * piece.ends;
    adrift[i] = (near && small && alone) || sticks_out(depth, known, i / width, i % width, height, width, limits);
  }
}
