// The scene's colour as BT.709 limited-range planes, and its distance as the square root of inverse distance.
uniform sampler2D scene, distances;
#ifdef LUMA
OUT0(float, y)
void each() {
  vec3 c = texelFetch(scene, ivec2(HERE), 0).rgb;
  y = (16. + 219. * dot(c, vec3(.2126, .7152, .0722))) / 255.;
}
#else
OUT0(vec2, uv)
OUT1(float, code)
void each() {
  ivec2 at = ivec2(HERE) * 2;
  vec3 c = vec3(0.);
  float m = 1e9;
  for (int i = 0; i < 4; i++) {
    ivec2 p = at + ivec2(i & 1, i >> 1);
    c += texelFetch(scene, p, 0).rgb * .25;
    m = min(m, texelFetch(distances, p, 0).r);
  }
  float y = dot(c, vec3(.2126, .7152, .0722));
  uv = (128. + 112. * vec2((c.b - y) / .9278, (c.r - y) / .7874)) / 255.;
  code = sqrt(1.2 / (1.2 + m));
}
#endif
