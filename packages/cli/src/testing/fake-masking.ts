import type { BranchAnonymizedCreate, MaskingRule } from '@coppice/api'

import { branchOf, FakeError, type Handler } from './fake-handlers.ts'
import type { World } from './fake-world.ts'

const at = '2026-02-01T00:00:00Z'

/** Anonymized branches: each run takes one look at its status. */
export function maskingHandlers(world: World, createBranch: Handler): Record<string, Handler> {
  const rulesOf = new Map<string, MaskingRule[]>()
  const running = new Set<string>()
  const statusOf: Handler = ({ path }) => {
    const { id } = branchOf(world, path)
    const rules = rulesOf.get(id)
    if (rules === undefined) throw new FakeError('branch_not_anonymized', `${id} is not anonymized`)
    const isRunning = running.delete(id)
    const hasFailed = !isRunning && rules.some((rule) => rule.masking_function === 'wrong')
    return {
      project_id: path['project_id'],
      branch_id: id,
      state: isRunning ? 'anonymizing' : hasFailed ? 'error' : 'anonymized',
      ...(isRunning && { status_message: 'Anonymizing table neondb.public.users (1/1)' }),
      ...(hasFailed && { status_message: 'the masked rows cannot be made' }),
      created_at: at,
      updated_at: at,
      last_run: { started_at: at, masked_columns: rules.length },
    }
  }
  return {
    createProjectBranchAnonymized(input) {
      const { branch_create, masking_rules = [] } = input.body as BranchAnonymizedCreate
      const made = createBranch({ ...input, body: branch_create ?? {} }) as {
        branch: { id: string }
      }
      rulesOf.set(made.branch.id, masking_rules)
      running.add(made.branch.id)
      return made
    },
    getMaskingRules: ({ path }) => ({
      masking_rules: rulesOf.get(branchOf(world, path).id) ?? [],
    }),
    updateMaskingRules({ path, body }) {
      const { masking_rules } = body as { masking_rules: MaskingRule[] }
      rulesOf.set(branchOf(world, path).id, masking_rules)
      return { masking_rules }
    },
    getAnonymizedBranchStatus: statusOf,
    startAnonymization(input) {
      running.add(branchOf(world, input.path).id)
      const status = statusOf(input)
      running.add(branchOf(world, input.path).id)
      return status
    },
  }
}
