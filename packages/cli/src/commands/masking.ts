import type { Command } from 'commander'

import { waitForAnonymization } from '../anonymization.ts'
import { addBranchFlags, type BranchFlags, requireBranch } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openScope } from '../context.ts'
import { addExamples } from '../help.ts'
import { readMaskingFile } from '../masking-file.ts'
import { anonymizedDetails, maskingTable } from '../views/masking.ts'

/** `masking`: branches that hold masked values of another. */
export function addMasking(program: Command, cli: Cli): void {
  const masking = program
    .command('masking')
    .description('Work with branches whose data is masked; `branches create --mask` makes one.')
  addRules(masking, cli)
  addStatus(masking, cli)
  addRefresh(masking, cli)
  addExamples(masking, [
    [
      'branches create --name masked --mask masking.yaml',
      'Make a masked branch of the default one',
    ],
    ['branches create --name preview --parent masked', 'Branch it, which costs nothing'],
    ['masking refresh masked', 'Mask anew what its source holds now'],
  ])
}

function addRules(masking: Command, cli: Cli): void {
  const command = masking
    .command('rules')
    .description('Show the masking rules of a branch, or replace them.')
    .argument('[branch]', 'Branch, by name or id.')
    .option('--set <file>', 'Replace them by those of a YAML or JSON file.')
  addExamples(addBranchFlags(command, { takesName: true }), [
    ['masking rules masked', 'Show them'],
    ['masking rules masked --set masking.yaml', 'Replace them; `masking refresh` applies them'],
  ]).action(async (positional: string | undefined, flags: BranchFlags & { set?: string }) => {
    const branch = requireBranch({ positional, flags }, 'masking rules masked')
    const scope = await openScope(cli)
    const path = { project_id: scope.projectId, branch_id: branch }
    const { masking_rules: rules } =
      flags.set === undefined
        ? await scope.client.getMaskingRules({ path })
        : await scope.client.updateMaskingRules({
            path,
            body: { masking_rules: await readMaskingFile(cli, scope, { file: flags.set, branch }) },
          })
    await cli.output.answer(rules, () =>
      rules.length > 0 ? maskingTable(rules) : 'No masking rules: nothing is masked.',
    )
    if (flags.set !== undefined) {
      cli.output.note(`They hold from the next run on: coppice masking refresh ${branch}`)
    }
  })
}

function addStatus(masking: Command, cli: Cli): void {
  const command = masking
    .command('status')
    .description('Show whether a branch is anonymized, and how far it is.')
    .argument('[branch]', 'Branch, by name or id.')
  addBranchFlags(command, { takesName: true }).action(
    async (positional: string | undefined, flags: BranchFlags) => {
      const branch = requireBranch({ positional, flags }, 'masking status masked')
      const { client, projectId } = await openScope(cli)
      const path = { project_id: projectId, branch_id: branch }
      const status = await client.getAnonymizedBranchStatus({ path })
      await cli.output.answer(status, () => anonymizedDetails(status))
    },
  )
}

function addRefresh(masking: Command, cli: Cli): void {
  const command = masking
    .command('refresh')
    .description('Fill a masked branch anew from its source. Its address and passwords stay.')
    .argument('[branch]', 'Branch, by name or id.')
    .option('--no-wait', 'Do not wait until it is done.')
  addBranchFlags(command, { takesName: true }).action(
    async (positional: string | undefined, flags: BranchFlags & { wait: boolean }) => {
      const branch = requireBranch({ positional, flags }, 'masking refresh masked')
      const scope = await openScope(cli)
      const path = { project_id: scope.projectId, branch_id: branch }
      const started = await scope.client.startAnonymization({ path })
      const status = flags.wait ? await waitForAnonymization(cli, scope, branch) : started
      await cli.output.answer(status, () => anonymizedDetails(status))
    },
  )
}
