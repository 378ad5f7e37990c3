import type { Project, ProjectUpdate } from '@coppice/api'
import type { Command } from 'commander'

import type { Cli } from '../cli.ts'
import { openScope } from '../context.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { renderDetails } from '../table.ts'

type AllowedIps = NonNullable<NonNullable<ProjectUpdate['project']['settings']>['allowed_ips']>

const entries = 'Addresses, CIDR blocks (10.0.0.0/8) or ranges (10.0.0.1-10.0.0.9).'

/** `ip-allow`: from where clients may connect to a project, as Neon's CLI has it. */
export function addIpAllow(program: Command, cli: Cli): void {
  const ipAllow = program
    .command('ip-allow')
    .description('Manage the addresses that clients may connect from.')
  addList(ipAllow, cli)
  addAdd(ipAllow, cli)
  addRemove(ipAllow, cli)
  addReset(ipAllow, cli)
}

function addList(ipAllow: Command, cli: Cli): void {
  ipAllow
    .command('list')
    .description('List the addresses; with none, clients may connect from anywhere.')
    .action(async () => {
      const { client, projectId } = await openScope(cli)
      const { project } = await client.getProject({ path: { project_id: projectId } })
      await show(cli, project)
    })
}

function addAdd(ipAllow: Command, cli: Cli): void {
  const command = ipAllow
    .command('add')
    .description('Add addresses. They hold for new connections from now on.')
    .argument('[ips...]', entries)
    .option('--protected-only', 'Let the list hold for protected branches only.')
    .option('--no-protected-only', 'Let the list hold for all branches.')
  addExamples(command, [
    ['ip-allow add 192.0.2.1 198.51.100.0/24', 'An address and a block of them'],
    ['ip-allow add 203.0.113.10-203.0.113.20 --protected-only', 'A range, where it matters'],
  ]).action(async (ips: readonly string[], flags: { protectedOnly?: boolean }) => {
    if (ips.length === 0) throw missingIps('add 192.0.2.1 192.0.2.20-192.0.2.50 198.51.100.0/24')
    await change(cli, (current) => ({
      ips: [...new Set([...split(ips), ...(current.ips ?? [])])],
      protected_branches_only: flags.protectedOnly ?? current.protected_branches_only ?? false,
    }))
  })
}

function addRemove(ipAllow: Command, cli: Cli): void {
  ipAllow
    .command('remove')
    .description('Remove addresses, as they were added.')
    .argument('[ips...]', entries)
    .action(async (ips: readonly string[]) => {
      if (ips.length === 0) throw missingIps('remove 192.0.2.1')
      const gone = new Set(split(ips))
      await change(cli, (current) => {
        const ips = (current.ips ?? []).filter((ip) => !gone.has(ip))
        return { ips, protected_branches_only: current.protected_branches_only ?? false }
      })
    })
}

function addReset(ipAllow: Command, cli: Cli): void {
  const command = ipAllow
    .command('reset')
    .description('Replace the list, or let clients connect from anywhere again.')
    .argument('[ips...]', entries)
  addExamples(command, [
    ['ip-allow reset', 'Clients may connect from anywhere'],
    ['ip-allow reset 192.0.2.1', 'From this address only'],
  ]).action(async (ips: readonly string[]) => {
    await change(cli, () => ({ ips: split(ips), protected_branches_only: false }))
  })
}

async function change(cli: Cli, next: (current: AllowedIps) => AllowedIps): Promise<void> {
  const { client, projectId } = await openScope(cli)
  const path = { project_id: projectId }
  const { project: before } = await client.getProject({ path })
  const allowed_ips = next(before.settings.allowed_ips ?? {})
  const { project } = await client.updateProject({
    path,
    body: { project: { settings: { allowed_ips } } },
  })
  await show(cli, project)
  if ((project.settings.allowed_ips?.ips ?? []).length > 0) return
  cli.output.note(`Clients can connect to project ${project.name} from anywhere now.`)
}

/** The shape is that of Neon's CLI, for scripts. */
async function show(cli: Cli, project: Project): Promise<void> {
  const { ips = [], protected_branches_only = false } = project.settings.allowed_ips ?? {}
  const answer = {
    id: project.id,
    name: project.name,
    IP_addresses: ips,
    protected_branches_only,
  }
  await cli.output.answer(answer, () =>
    renderDetails([
      ['Project', project.name],
      ['Addresses', ips.length > 0 ? ips.join(', ') : 'any'],
      ['Branches', protected_branches_only ? 'protected ones only' : 'all'],
    ]),
  )
}

/** Commas between entries are welcome, as in Neon's own examples. */
function split(ips: readonly string[]): string[] {
  return ips.flatMap((text) => text.split(',')).flatMap((text) => text.trim() || [])
}

function missingIps(example: string): CliError {
  return new CliError('Which addresses?', { advice: `For example: coppice ip-allow ${example}` })
}
