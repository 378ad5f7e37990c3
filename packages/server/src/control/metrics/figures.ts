import type { Figure } from '@coppice/api'

export function namesOf<Name extends string>(figures: Record<Name, Figure>): Name[] {
  return Object.keys(figures) as Name[]
}

/** Nothing of any. */
export function emptyFigures<Name extends string>(
  figures: Record<Name, Figure>,
): Record<Name, number> {
  // An entry for each name.
  return Object.fromEntries(namesOf(figures).map((name) => [name, 0])) as Record<Name, number>
}

/** Those of one kind; the others are 0. */
export function onlyKind<Name extends string>(
  figures: Record<Name, Figure>,
  sample: Record<Name, number>,
  kind: Figure['kind'],
): Record<Name, number> {
  const left = emptyFigures(figures)
  for (const name of namesOf(figures)) {
    if (figures[name].kind === kind) left[name] = sample[name]
  }
  return left
}

/** Adds a sample to what was counted before it; of what is not counted, takes its place. */
export function addSample<Name extends string>(
  figures: Record<Name, Figure>,
  totals: Record<Name, number>,
  sample: Record<Name, number>,
): Record<Name, number> {
  const sum = { ...sample }
  for (const name of namesOf(figures)) {
    if (figures[name].kind === 'sum') sum[name] += totals[name]
  }
  return sum
}
