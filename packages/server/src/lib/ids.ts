import { randomInt } from 'node:crypto'

const adjectives =
  'amber autumn bold brave bright calm clear cool crimson curly dawn deep dry dusty early fancy fresh gentle golden green hidden holy icy jolly late lively lucky misty mossy muddy noisy odd old orange patient plain polished proud purple quiet rapid red restless rough round royal shiny shy silent small snowy soft spring square steep still summer sweet tight tiny twilight wandering weathered white wild winter wispy young'.split(
    ' ',
  )
const nouns =
  'acorn alder apple ash aspen bark beech berry birch bird bloom bough breeze brook bush cedar cherry cloud copse creek dew dust elm feather fern field fire flower fog forest frost glade grass grove hawthorn hazel heath holly ivy lake larch leaf linden maple meadow mist moon moss oak orchard pear pine plum pond poplar rain reed river rowan sapling sea shade shoot sky snow sound spruce star stem stump sun surf thicket thorn twig vine violet water willow wind wood yew'.split(
    ' ',
  )
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'

const pick = (from: readonly string[]): string => from[randomInt(from.length)] ?? ''
const words = (): string => `${pick(adjectives)}-${pick(nouns)}`
const digits = (count: number): string =>
  Array.from({ length: count }, () => randomInt(10)).join('')
const tail = (count: number): string =>
  Array.from({ length: count }, () => letters[randomInt(letters.length)]).join('')

/** `adjective-noun-12345678`, as Neon's. */
export const newProjectId = (): string => `${words()}-${digits(8)}`
/** `br-adjective-noun-xxxxxxxx`: the shape by which the Neon CLI tells an id from a name. */
export const newBranchId = (): string => `br-${words()}-${tail(8)}`
/** `ep-adjective-noun-xxxxxxxx`: the first label of a host name. */
export const newEndpointId = (): string => `ep-${words()}-${tail(8)}`
/** Of a compute that endpoints share: `compute-adjective-noun-xxxxxxxx`. */
export const newComputeId = (): string => `compute-${words()}-${tail(8)}`
/** A name for a branch or project that was given none. */
export const newName = (): string => `${words()}-${tail(4)}`
/** `snap-adjective-noun-xxxxxxxx`. */
export const newSnapshotId = (): string => `snap-${words()}-${tail(8)}`
/** Of a clone that recoveries begin with: also the name of its volume. */
export const newLineSnapshotId = (): string => `at-${tail(12)}`
/** Of a volume that only this process needs, and that is removed when it ends, or at the next start. */
export const newScratchId = (): string => `${scratchPrefix}${tail(12)}`
export const scratchPrefix = 'scratch-'
/** Of a compute that shows a moment of the past, on such a volume. */
export const newPastEndpointId = (): string => `${pastEndpointPrefix}${tail(12)}`
export const pastEndpointPrefix = 'past-'
