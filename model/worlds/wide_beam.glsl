// How far a bundle of rays may be followed before any of them can meet the ground.
OUT0(float, skip)
uniform vec2 beam_size;
void each() {
  vec3 d = ray(HERE * size / beam_size);
  float t = .2, cone = span / window.w * size.y / beam_size.y * .75;
  for (int i = 0; i < 72; i++) {
    vec3 p = eye + d * t;
    float e = (p.y - height(p.xz)) * careful - cone * t;
    if (e < .01 || t > FAR || (d.y > .02 && p.y > top_m + cone * t)) break;
    t += max(e, .01 * t);
  }
  skip = max(t * .97 - .1, .2);
}
