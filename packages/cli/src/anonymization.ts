import { setTimeout as delay } from 'node:timers/promises'

import type { AnonymizedStatus } from '@coppice/api'

import type { Cli } from './cli.ts'
import type { Scope } from './context.ts'
import { CliError } from './errors.ts'
import { createSteps } from './steps.ts'

const pollMs = 250
/** Masking takes as long as reading all of it does; something has come to a halt after this. */
const waitMaxMs = 24 * 3_600_000

/** Waits until a branch is anonymized, and shows which table it is at; rejects where that fails. */
export async function waitForAnonymization(
  cli: Cli,
  { client, projectId }: Scope,
  branchId: string,
): Promise<AnonymizedStatus> {
  const steps = createSteps(cli)
  const path = { project_id: projectId, branch_id: branchId }
  const deadline = Date.now() + waitMaxMs
  let shown: string | undefined
  for (;;) {
    const status = await client.getAnonymizedBranchStatus({ path })
    const { state, status_message: message } = status
    if (state === 'error') {
      steps.fail()
      throw new CliError(`The branch could not be anonymized: ${message ?? 'no reason is known'}`, {
        advice:
          `Change its rules: coppice masking rules ${branchId} --set <file>\n` +
          `Then try again: coppice masking refresh ${branchId}`,
      })
    }
    if (state !== 'anonymizing') {
      steps.done()
      return status
    }
    if (Date.now() > deadline) throw new CliError('The branch is still being anonymized.')
    const text = message ?? 'Anonymizing'
    if (text !== shown) steps.step(text)
    shown = text
    await delay(pollMs)
  }
}
