// Along a ray from o to the ground, from t metres on: where it is met, more than FAR if it is not.
float march(vec3 o, vec3 d, float t, int steps, float grow) {
  float before = t;
  bool met = false;
  for (int i = 0; i < steps; i++) {
    vec3 p = o + d * t;
    float e = p.y - height(p.xz);
    met = e < .0010 * t + .003;
    if (met) break;
    if (t > FAR || (d.y > .0 && p.y > top_m)) return FAR * 2.;
    before = t;
    t += max(e * brisk, grow * t);
  }
  if (!met) return t;
  float a = before, b = t;  // here and not in the loop: a software rasterizer would run it in every step
  for (int k = 0; k < 5; k++) { float m = .5 * (a + b); vec3 q = o + d * m; if (q.y - height(q.xz) < .0010 * m + .003) b = m; else a = m; }
  return b;
}
