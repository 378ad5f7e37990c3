/** Of quick choices. */
const spans = [
  { label: '5 minutes ago', seconds: 300 },
  { label: '1 hour ago', seconds: 3600 },
  { label: 'Yesterday, this time', seconds: 86_400 },
  { label: 'A week ago', seconds: 7 * 86_400 },
] as const

export interface MomentChoice {
  label: string
  moment: string
  /** It is before the first moment that can be reached. */
  isOutside: boolean
}

/** Moments that somebody often wants, whole seconds each. */
export function momentChoices(nowMs: number, earliest: string | undefined): MomentChoice[] {
  const first = earliest === undefined ? Infinity : Date.parse(earliest)
  return spans.map(({ label, seconds }) => {
    const ms = Math.floor(nowMs / 1000) * 1000 - seconds * 1000
    return { label, moment: new Date(ms).toISOString(), isOutside: ms < first }
  })
}

/** As a field of type `datetime-local` has it, in the reader's time zone. */
export function toLocalField(moment: string): string {
  const at = new Date(moment)
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 19)
}

/** Undefined where it is no moment. */
export function fromLocalField(text: string): string | undefined {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}
