// Clouds and waves that move in a picture that stays: what model/drifting.py's `_drifted` computes, many times faster.
// Knows planes in bytes and flows; refuses to know torch, cameras and what moves.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "stages.h"

namespace {

constexpr int kApart = 4, kWithin = 3, kSoft = 2, kPhases = 2, kParts = 3, kBand = 8;
constexpr float kBorder = 12.f;

using Values = std::vector<float>;

// Sums of the values within `across` to the left and right of each, and then within `down` above and below.
void around(Values& values, int height, int width, int down, int across) {
  Values along(width + 1), below((size_t)(height + 1) * width, 0.f);
  for (int y = 0; y < height; ++y) {
    const float *row = values.data() + (size_t)y * width, *above = below.data() + (size_t)y * width;
    float* sums = below.data() + (size_t)(y + 1) * width;
    for (int x = 0; x < width; ++x) along[x + 1] = along[x] + row[x];
    const int left = std::min(across, width), right = std::max(width - across, left);
    for (int x = 0; x < left; ++x) sums[x] = above[x] + along[std::min(x + across + 1, width)];
    for (int x = left; x < right; ++x) sums[x] = above[x] + along[x + across + 1 > width ? width : x + across + 1] - along[x - across];
    for (int x = right; x < width; ++x) sums[x] = above[x] + along[width] - along[x - across];
  }
  for (int y = 0; y < height; ++y) {
    const float* last = below.data() + (size_t)std::min(y + down + 1, height) * width;
    const float* first = below.data() + (size_t)std::max(y - down, 0) * width;
    float* out = values.data() + (size_t)y * width;
    for (int x = 0; x < width; ++x) out[x] = last[x] - first[x];
  }
}

// The least within `reach` along lines, of what is 0 or 1: 1 where the sum over those that there are is their number.
Values solid(const uint8_t* moves, int height, int width) {
  const int n = height * width;
  Values inside(n), count(n, 1.f);
  for (int i = 0; i < n; ++i) inside[i] = moves[i];
  around(inside, height, width, kWithin, kWithin);
  around(count, height, width, kWithin, kWithin);
  for (int i = 0; i < n; ++i) inside[i] = inside[i] > count[i] - .5f ? 1.f : 0.f;
  std::fill(count.begin(), count.end(), 1.f);
  around(inside, height, width, kSoft, kSoft);
  around(count, height, width, kSoft, kSoft);
  for (int i = 0; i < n; ++i) inside[i] /= count[i];
  return inside;
}

struct Plane {
  const uint8_t* bytes;
  int height, width;
};

// Between pixels, of one place that does not lie beyond the border.
float between(const Plane& plane, float column, float row) {
  const int x = (int)column, y = (int)row;
  const float right = column - x, down = row - y;
  const uint8_t* p = plane.bytes + (size_t)y * plane.width + x;
  const float upper = p[0] + right * (p[1] - p[0]), lower = p[plane.width] + right * (p[plane.width + 1] - p[plane.width]);
  return upper + down * (lower - upper);
}

// The same of a place and its neighbours to the right, below, and below to the right.
void four_between(const Plane& plane, float column, float row, float* out) {
  const int x = (int)column, y = (int)row;
  const float right = column - x, down = row - y;
  const uint8_t* p = plane.bytes + (size_t)y * plane.width + x;
  float across[3][2];
  for (int j = 0; j < 3; ++j, p += plane.width)
    for (int i = 0; i < 2; ++i) across[j][i] = p[i] + right * (p[i + 1] - p[i]);
  for (int k = 0; k < 4; ++k) out[k] = across[k / 2][k % 2] + down * (across[k / 2 + 1][k % 2] - across[k / 2][k % 2]);
}

// Values at corners of blocks, for one pixel of a block row.
struct Corners {
  const float* values;  // of the block row's upper left corner
  int across;           // corners in a row
  float down;           // of the way to the next corner

  float at(int x) const {
    const float *p = values + x / kApart, right = (x % kApart + .5f) / kApart;
    const float left = p[0] + down * (p[across] - p[0]);
    return left + right * (p[1] + down * (p[across + 1] - p[1]) - left);
  }
};

uint8_t byte(float value) { return (uint8_t)std::min(std::max(std::floor(value + .5f), 0.f), 255.f); }

}  // namespace

// y [2 height, 2 width], u and v [height, width] as they are and as they become; `moves` [height, width] 0 or 1; `places` [2,
// 2, height / 4 + 1, width / 4 + 1] columns and rows at corners for both phases, and `still` [height / 4 + 1, width / 4 + 1].
extern "C" void drift(const uint8_t* y, const uint8_t* u, const uint8_t* v, uint8_t* y_out, uint8_t* u_out, uint8_t* v_out,
                      const uint8_t* moves, const float* places, const float* still, float first, float second, int height,
                      int width, int down, int across, int threads) {
  const int n = height * width, corners = width / kApart + 1, grid = (height / kApart + 1) * corners;
  const Plane luma{y, 2 * height, 2 * width}, chroma[2] = {{u, height, width}, {v, height, width}};
  uint8_t* out[2] = {u_out, v_out};
  const float shares[kPhases] = {first, second}, contrast = std::hypot(first, second);  // two mixed are duller
  Values inside, count(n), sums[kParts];  // over what moves; by `count` they are means
  auto add_up = [&](int part) {
    sums[part].resize(n);
    for (int row = 0, i = 0; row < height; ++row)
      for (int x = 0; x < width; ++x, ++i) {
        const uint8_t* p = y + (size_t)4 * row * width + 2 * x;
        const float value = part ? chroma[part - 1].bytes[i] : .25f * (p[0] + p[1] + p[2 * width] + p[2 * width + 1]);
        sums[part][i] = moves[i] ? value : 0.f;
      }
    around(sums[part], height, width, down, across);
  };
  auto tell = [&] {
    inside = solid(moves, height, width);
    for (int i = 0; i < n; ++i) count[i] = moves[i];
    around(count, height, width, down, across);
    for (float& value : count) value = 1 / std::max(value, 1.f);
  };
  auto move = [&](int row) {
    const size_t block = (size_t)row / kApart * corners;
    const float on = (row % kApart + .5f) / kApart;
    for (int x = 0, i = row * width; x < width; ++x, ++i) {
      if (!moves[i]) continue;
      const float stays = Corners{still + block, corners, on}.at(x);
      if (stays >= 1.f) continue;
      float sum[6] = {}, left = 1;
      for (int phase = 0; phase < kPhases; ++phase) {
        const float* own = places + (size_t)2 * phase * grid + block;
        const float column = Corners{own, corners, on}.at(x), line = Corners{own + grid, corners, on}.at(x);
        const float near = std::min(std::min(column, width - 1 - column), std::min(line, height - 1 - line));
        if (near <= 0) continue;
        const int from = (int)std::nearbyint(line) * width + (int)std::nearbyint(column);
        const float seen = shares[phase] * std::min(near / kBorder, 1.f) * inside[from];
        if (seen <= 0) continue;
        float taken[6];
        four_between(luma, 2 * column, 2 * line, taken);
        for (int k = 4; k < 6; ++k) taken[k] = between(chroma[k - 4], column, line);
        for (int k = 0; k < 6; ++k) sum[k] += seen * (taken[k] - count[from] * sums[k < 4 ? 0 : k - 3][from]);
        left -= seen;
      }
      const float scale = 1 / (contrast + left * (1 - contrast));
      for (int k = 0; k < 6; ++k) {
        const size_t to = k < 4 ? (size_t)(2 * row + k / 2) * 2 * width + 2 * x + k % 2 : i;
        const float was = k < 4 ? y[to] : chroma[k - 4].bytes[i], mean = count[i] * sums[k < 4 ? 0 : k - 3][i];
        const float moved = mean + (sum[k] + left * (was - mean)) * scale;
        (k < 4 ? y_out[to] : out[k - 4][i]) = byte(moved + stays * (was - moved));
      }
    }
  };
  auto work = [&](int stage, int item) {
    if (stage == 0) return item < kParts ? add_up(item) : tell();
    for (int row = item * kBand; row < std::min((item + 1) * kBand, height); ++row) move(row);
  };
  mundo::in_stages({kParts + 1, (height + kBand - 1) / kBand}, threads, [&] { return work; });
}
