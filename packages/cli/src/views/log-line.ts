import { withoutControls } from '@coppice/migrate/printable'

import type { Output } from '../output.ts'
import { parseObject } from '../platform.ts'

/** The numbers that pino gives to levels. */
const levels: Record<number, string | undefined> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
}

/** A JSON log line for people: time, level, message, then the rest as `key=value`. */
export function renderLogLine(line: string, output: Output): string {
  if (output.format === 'json') return line
  const entry = parseObject(line)
  if (!entry) return withoutControls(line)
  const { level, time, msg, ...fields } = entry
  const name = levels[Number(level)] ?? ''
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${showValue(value)}`)
  const parts = [
    output.style('dim', showTime(time)),
    colorLevel(name, output),
    withoutControls(typeof msg === 'string' ? msg : ''),
    output.style('dim', withoutControls(rest.join(' '))),
  ]
  return parts.join('  ').trimEnd()
}

/** Whether a log line is about this component, endpoint, branch or whatever has the id. */
export function mentions(name: string): (line: string) => boolean {
  return (line) => {
    const entry = parseObject(line)
    return entry !== undefined && Object.values(entry).includes(name)
  }
}

function showTime(time: unknown): string {
  const at = new Date(typeof time === 'number' || typeof time === 'string' ? time : Number.NaN)
  if (Number.isNaN(at.getTime())) return ''
  return at.toISOString().slice(0, 23).replace('T', ' ')
}

function showValue(value: unknown): string {
  return typeof value === 'string' && /^\S+$/.test(value) ? value : JSON.stringify(value)
}

function colorLevel(name: string, output: Output): string {
  const padded = name.padEnd(5)
  if (name === 'WARN') return output.style('yellow', padded)
  return name === 'ERROR' || name === 'FATAL' ? output.style('red', padded) : padded
}
