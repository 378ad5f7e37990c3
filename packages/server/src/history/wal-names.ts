import type { Lsn } from '../lib/lsn.ts'

/**
 * Names of WAL files (manual, "WAL Internals"; src/include/access/xlog_internal.h): a segment is named by
 * its timeline, and by its number in two parts; `<timeline>.history` says where a timeline left another.
 */
export interface SegmentName {
  timeline: number
  /** Counted from 0: the LSN of its first byte divided by the segment size. */
  number: bigint
}

const segmentPattern = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/
const historyPattern = /^[0-9A-F]{8}\.history$/

export function parseSegmentName(name: string, segmentBytes: number): SegmentName | undefined {
  const [, timeline, log, segment] = segmentPattern.exec(name) ?? []
  if (timeline === undefined || log === undefined || segment === undefined) return undefined
  const perLog = segmentsPerLog(segmentBytes)
  const number = BigInt(`0x${log}`) * perLog + BigInt(`0x${segment}`)
  return { timeline: Number.parseInt(timeline, 16), number }
}

export function renderSegmentName({ timeline, number }: SegmentName, segmentBytes: number): string {
  const perLog = segmentsPerLog(segmentBytes)
  const part = (value: bigint | number) => value.toString(16).toUpperCase().padStart(8, '0')
  return part(timeline) + part(number / perLog) + part(number % perLog)
}

/** Of a segment or a history file. */
export const timelineOf = (name: string): number => Number.parseInt(name.slice(0, 8), 16)

export const isHistoryFileName = (name: string): boolean => historyPattern.test(name)

/** The number of the segment that holds the byte at a position. */
export const segmentOf = (lsn: Lsn, segmentBytes: number): bigint => lsn / BigInt(segmentBytes)

/** The position after a segment's last byte. */
export const segmentEnd = (number: bigint, segmentBytes: number): Lsn =>
  (number + 1n) * BigInt(segmentBytes)

function segmentsPerLog(segmentBytes: number): bigint {
  return 0x1_0000_0000n / BigInt(segmentBytes)
}
