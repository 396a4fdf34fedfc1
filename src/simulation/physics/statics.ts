/** A point in mm, right of and forward of the plate's centre. */
export type Point = readonly [x: number, y: number];

/**
 * How a rigid plate on equally stiff cells shares a load at `at`: the part of the load that each cell carries.
 * The parts add up to 1 and their moments to that of the load; of all such shares it is the one of least norm, which
 * is what equal springs under a rigid plate settle at: s = 1/N + dᵀ C⁺ (p − c), with d the cells' positions about
 * their centre c and C = Σ d dᵀ. Two cells follow the lever law (what lies across their line is not felt), one cell
 * carries everything. Outside the cells' polygon a part may be negative: the plate pulls there.
 */
export function loadShares(cells: readonly Point[], at: Point): number[] {
  const count = cells.length;
  const centreX = cells.reduce((sum, [x]) => sum + x, 0) / count;
  const centreY = cells.reduce((sum, [, y]) => sum + y, 0) / count;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (const [x, y] of cells) {
    xx += (x - centreX) ** 2;
    xy += (x - centreX) * (y - centreY);
    yy += (y - centreY) ** 2;
  }
  const px = at[0] - centreX;
  const py = at[1] - centreY;
  const [gx, gy] = solveSymmetric(xx, xy, yy, px, py);
  return cells.map(([x, y]) => 1 / count + (x - centreX) * gx + (y - centreY) * gy);
}

/** C⁺ p for the symmetric C = [[xx, xy], [xy, yy]], by its inverse or, where the cells lie on one line, on that line. */
function solveSymmetric(xx: number, xy: number, yy: number, px: number, py: number): [number, number] {
  const determinant = xx * yy - xy * xy;
  const trace = xx + yy;
  if (trace === 0) return [0, 0];
  if (determinant > trace * trace * 1e-9) {
    return [(yy * px - xy * py) / determinant, (xx * py - xy * px) / determinant];
  }
  // Rank one: C = trace · u uᵀ, so C⁺ = u uᵀ / trace, and u uᵀ = C / trace.
  return [(xx * px + xy * py) / (trace * trace), (xy * px + yy * py) / (trace * trace)];
}
