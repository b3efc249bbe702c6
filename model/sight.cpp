// How well points of many views are seen from one pose: what model/sight.py's `sharpness` computes, many times faster.
// Knows points and a camera; refuses to know torch and pictures.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr float kSpan = 1.2f, kVoid = .01f, kNearest = .1f;

struct Camera {
  float x, y, z, turn[9];  // columns of the rotation to the world are its axes
};


}  // namespace

// points [views, 3, count]; eyes [views, 3], where they were seen from; camera [12]: where it is, and its rotation to the
// world; sizes: views, count, rows, columns; alike: the least cosine of both directions -> out [views, rows * columns].
extern "C" void sight(const float* points, const float* eyes, const float* camera, const int* sizes, float reach,
                      float alike, float* out) {
  const int views = sizes[0], count = sizes[1], rows = sizes[2], columns = sizes[3], cells = rows * columns;
  const Camera c = *(const Camera*)camera;
  std::vector<int> cell(count);
  std::vector<float> sharp(count), best(cells + 1);
  for (int v = 0; v < views; ++v) {
    const float *eye = eyes + v * 3, *px = points + (size_t)v * 3 * count, *py = px + count, *pz = py + count;
    const float ex = eye[0], ey = eye[1], ez = eye[2];
    std::fill(best.begin(), best.end(), 0.f);
    const bool near = std::sqrt((ex - c.x) * (ex - c.x) + (ey - c.y) * (ey - c.y) + (ez - c.z) * (ez - c.z)) < reach;
    for (int i = 0; near && i < count; ++i) {
      const float ax = px[i] - c.x, ay = py[i] - c.y, az = pz[i] - c.z;
      const float x = c.turn[0] * ax + c.turn[3] * ay + c.turn[6] * az, y = c.turn[1] * ax + c.turn[4] * ay + c.turn[7] * az;
      const float z = c.turn[2] * ax + c.turn[5] * ay + c.turn[8] * az, now = std::sqrt(x * x + y * y + z * z);
      const float tx = px[i] - ex, ty = py[i] - ey, tz = pz[i] - ez, then = std::sqrt(tx * tx + ty * ty + tz * tz);
      const float scale = (rows / kSpan) / std::max(z, 1e-4f);
      const float column = std::nearbyint(x * scale + (.5f * columns - .5f)), row = std::nearbyint((.5f * rows - .5f) - y * scale);
      const bool seen = (then > kVoid) & (z > 1e-3f) & (column >= 0) & (column < columns) & (row >= 0) & (row < rows) &
                        (ax * tx + ay * ty + az * tz >= alike * now * then);
      cell[i] = (int)(seen ? row * columns + column : cells);
      sharp[i] = std::min(now / std::max(then, kNearest), 1.f);
    }
    for (int i = 0; near && i < count; ++i) best[cell[i]] = std::max(best[cell[i]], sharp[i]);
    std::copy(best.begin(), best.end() - 1, out + (size_t)v * cells);
  }
}
