// The plants' pass: shapes.glsl stands before it.
void each() {
  vec3 d = ray(HERE);
  Hit hit = Hit(FAR, vec3(0., 1., 0.), -1, 0.);
  plant(-foot.xyz, d, foot.w, turn, hit);
  if (hit.material < 0) MISS;
  surface = vec4(hit.n, hit.t);
  material = float(hit.material) + .99 * hit.up;
  paint = vec4(0.);
  DEPTH(hit.t / FAR)
}
