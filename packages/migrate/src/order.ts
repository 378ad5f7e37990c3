/**
 * The order of names of migrations: by the number that they begin with, whatever its width, so that
 * `2_b` stands before `10_a`; then by their letters. Names with a number stand before those without.
 */
export function compareNames(a: string, b: string): number {
  const [first, second] = [numberOf(a), numberOf(b)]
  if (first !== undefined && second !== undefined && first !== second)
    return first < second ? -1 : 1
  if ((first === undefined) !== (second === undefined)) return first === undefined ? 1 : -1
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** The number that a name begins with: `0001_users.sql`, `V2__users.sql`, `20260131120000_users`. */
export function numberOf(name: string): bigint | undefined {
  const [, digits] = /^V?(\d+)/.exec(name) ?? []
  return digits === undefined ? undefined : BigInt(digits)
}
