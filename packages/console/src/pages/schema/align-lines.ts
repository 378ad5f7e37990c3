/** A line of two texts beside each other; absent where the other side alone has one. */
export interface AlignedLine {
  isSame: boolean
  left: string | undefined
  right: string | undefined
}

/** Cells of the table below; beyond, what is between the equal ends counts as different. */
const cellsMax = 4_000_000

/**
 * Two texts beside each other, with as many lines alike as can be. Lines that went and lines that came at one
 * place stand on one line.
 */
export function alignLines(left: readonly string[], right: readonly string[]): AlignedLine[] {
  const shorter = Math.min(left.length, right.length)
  let head = 0
  while (head < shorter && isSame(left[head], right[head])) head++
  let tail = 0
  while (tail < shorter - head && isSame(left.at(-1 - tail), right.at(-1 - tail))) tail++
  const ends = [left.length - tail, right.length - tail] as const
  const pairs = [
    ...Array.from({ length: head }, (_, at) => [at, at] as const),
    ...commonLines(left.slice(head, ends[0]), right.slice(head, ends[1])).map(
      ([one, other]) => [head + one, head + other] as const,
    ),
    ...Array.from({ length: tail }, (_, at) => [ends[0] + at, ends[1] + at] as const),
  ]
  return besideEachOther(left, right, pairs)
}

/** The last column of a table has no comma, and is no other for that. */
function isSame(one: string | undefined, other: string | undefined): boolean {
  return one?.replace(/,$/, '') === other?.replace(/,$/, '')
}

function besideEachOther(
  left: readonly string[],
  right: readonly string[],
  pairs: readonly (readonly [number, number])[],
): AlignedLine[] {
  const lines: AlignedLine[] = []
  let [atLeft, atRight] = [0, 0]
  for (const [nextLeft, nextRight] of [...pairs, [left.length, right.length] as const]) {
    const [gone, come] = [left.slice(atLeft, nextLeft), right.slice(atRight, nextRight)]
    for (let at = 0; at < Math.max(gone.length, come.length); at++) {
      lines.push({ isSame: false, left: gone[at], right: come[at] })
    }
    if (nextLeft < left.length) {
      lines.push({ isSame: true, left: left[nextLeft], right: right[nextRight] })
    }
    atLeft = nextLeft + 1
    atRight = nextRight + 1
  }
  return lines
}

/** The longest common subsequence, as pairs of places. */
function commonLines(
  left: readonly string[],
  right: readonly string[],
): (readonly [number, number])[] {
  const width = right.length + 1
  if (left.length * width > cellsMax) return []
  // Of what begins at each pair of places, how many lines are common.
  const lengths = new Uint32Array((left.length + 1) * width)
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0
  for (let row = left.length - 1; row >= 0; row--) {
    for (let column = right.length - 1; column >= 0; column--) {
      lengths[row * width + column] = isSame(left[row], right[column])
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const pairs: (readonly [number, number])[] = []
  let [row, column] = [0, 0]
  while (row < left.length && column < right.length) {
    if (isSame(left[row], right[column])) pairs.push([row++, column++])
    else if (at(row + 1, column) >= at(row, column + 1)) row++
    else column++
  }
  return pairs
}

/** A run of lines to be shown, or one of equal lines that is folded. */
export interface Run {
  isFolded: boolean
  /** The first line of it. */
  start: number
  lines: AlignedLine[]
}

/** Equal lines around a change that are shown with it, and of how few a fold would save nothing. */
const context = 3
const foldMin = 4

/** Folds what is equal, but for some lines around what is not. */
export function foldEqual(lines: readonly AlignedLine[]): Run[] {
  const near = new Set<number>()
  for (const [at, { isSame }] of lines.entries()) {
    if (isSame) continue
    for (let other = at - context; other <= at + context; other++) near.add(other)
  }
  const runs: Run[] = []
  for (const [at, line] of lines.entries()) {
    const isFolded = !near.has(at)
    const last = runs.at(-1)
    if (last?.isFolded === isFolded) last.lines.push(line)
    else runs.push({ isFolded, start: at, lines: [line] })
  }
  return runs.map((run) => ({ ...run, isFolded: run.isFolded && run.lines.length >= foldMin }))
}

/**
 * Where two lines begin and end to differ; undefined where they have too little in common for that to say
 * anything.
 */
export function differingPart(
  one: string,
  other: string,
): { start: number; ends: [number, number] } | undefined {
  const shorter = Math.min(one.length, other.length)
  let start = 0
  while (start < shorter && one[start] === other[start]) start++
  let tail = 0
  while (tail < shorter - start && one.at(-1 - tail) === other.at(-1 - tail)) tail++
  const indent = /^\s*/.exec(one)?.[0].length ?? 0
  if (start + tail - Math.min(start, indent) < (shorter - indent) / 3) return undefined
  return { start, ends: [one.length - tail, other.length - tail] }
}
