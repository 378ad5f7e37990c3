import type { Context } from '../context.ts'
import * as masking from '../masking.ts'
import { presentAnonymizedStatus } from '../present.ts'
import { createdAnswer } from './branch-handlers.ts'
import type { Handlers } from './server.ts'

export function maskingHandlers(context: Context) {
  return {
    createProjectBranchAnonymized: async ({ path, body }) =>
      createdAnswer(context, await masking.createAnonymizedBranch(context, path.project_id, body)),
    getMaskingRules: async ({ path }) => ({
      masking_rules: await masking.getMaskingRules(context, path.project_id, path.branch_id),
    }),
    updateMaskingRules: async ({ path, body }) => ({
      masking_rules: await masking.updateMaskingRules(
        context,
        path.project_id,
        path.branch_id,
        body.masking_rules,
      ),
    }),
    getAnonymizedBranchStatus: async ({ path }) =>
      presentAnonymizedStatus(
        await masking.anonymizedStatus(context, path.project_id, path.branch_id),
      ),
    startAnonymization: async ({ path }) =>
      presentAnonymizedStatus(
        await masking.startAnonymization(context, path.project_id, path.branch_id),
      ),
  } satisfies Partial<Handlers>
}
