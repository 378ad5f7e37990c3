/**
 * Positions in the WAL (manual, "pg_lsn Type"): 64-bit numbers, written as two hexadecimal halves with a
 * slash. Compared as numbers and never as text.
 */
export type Lsn = bigint

const pattern = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i

/** Undefined for what is no LSN. */
export function parseLsn(text: string): Lsn | undefined {
  const [, high, low] = pattern.exec(text) ?? []
  if (high === undefined || low === undefined) return undefined
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** As PostgreSQL writes it: `0/16B3748`. */
export function renderLsn(lsn: Lsn): string {
  const half = (value: bigint) => value.toString(16).toUpperCase()
  return `${half(lsn >> 32n)}/${half(lsn & 0xffffffffn)}`
}
