import type { PlatformCheck } from '@coppice/api'

import type { Output } from '../output.ts'
import { renderDetails } from '../table.ts'

const marks = { ok: '✔', warn: '!', fail: '✖' } as const
const looks = { ok: 'green', warn: 'yellow', fail: 'red' } as const

/** A line a check, and below what is not well the advice. */
export async function renderChecks(
  checks: readonly PlatformCheck[],
  output: Output,
): Promise<string> {
  const table = await renderDetails(
    checks.map((check) => [`${marks[check.status]} ${check.name}`, check.detail] as const),
  )
  const lines = table.split('\n').flatMap((line, at) => linesOf(line, checks[at], output))
  return [...lines, '', summary(checks)].join('\n')
}

function linesOf(line: string, check: PlatformCheck | undefined, output: Output): string[] {
  if (!check) return [line]
  const [mark = '', ...rest] = line
  const advice = check.advice?.split('\n').map((part) => `    ${part}`) ?? []
  return [output.style(looks[check.status], mark) + rest.join(''), ...advice]
}

function summary(checks: readonly PlatformCheck[]): string {
  const count = (status: PlatformCheck['status']) =>
    checks.filter((check) => check.status === status).length
  const [failed, warned] = [count('fail'), count('warn')]
  if (failed > 0)
    return `${failed} of ${checks.length} checks failed: Coppice cannot run like this.`
  if (warned > 0)
    return `Coppice can run here; ${warned} of ${checks.length} things could be better.`
  return 'Coppice can run here.'
}
