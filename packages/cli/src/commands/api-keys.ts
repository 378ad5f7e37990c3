import type { ApiKey, OrganizationApiKey } from '@coppice/api'
import type { Client } from '@coppice/api/client'
import type { Command } from 'commander'

import { connect } from '../api.ts'
import type { Cli } from '../cli.ts'
import { CliError } from '../errors.ts'
import { formatTime } from '../format.ts'
import { addExamples } from '../help.ts'
import { requireName } from '../naming.ts'
import { renderDetails, renderTable } from '../table.ts'

interface KeyFlags {
  orgId?: string
}

/** `api-keys`: of the owner; with `--org-id` those of the organization, with `--project-id` for one project. */
export function addApiKeys(program: Command, cli: Cli): void {
  const keys = program
    .command('api-keys')
    .alias('api-key')
    .description('Manage API keys: what programs sign in with.')
  addList(keys, cli)
  addCreate(keys, cli)
  addRevoke(keys, cli)
}

const orgFlag = ['--org-id <id>', "The organization's keys instead of the owner's."] as const

function addList(keys: Command, cli: Cli): void {
  keys
    .command('list')
    .description('List API keys, without the keys themselves.')
    .option(...orgFlag)
    .action(async ({ orgId }: KeyFlags) => {
      const client = await connect(cli)
      const list =
        orgId === undefined
          ? await client.listApiKeys({})
          : await client.listOrgApiKeys({ path: { org_id: orgId } })
      await cli.output.answer(list, () =>
        list.length > 0
          ? keyTable(list)
          : 'No API keys found. Create one with `coppice api-keys create --name <name>`.',
      )
    })
}

function addCreate(keys: Command, cli: Cli): void {
  const command = keys
    .command('create')
    .description('Create an API key. It is shown once.')
    .argument('[name]', 'What the key is for.')
    .option('--name <name>', 'What the key is for.')
    .option(...orgFlag)
  addExamples(command, [
    ['api-keys create --name laptop', 'For everything'],
    ['api-keys create --name ci --project-id quiet-sea-12345678', 'For one project'],
  ]).action(async (positional: string | undefined, flags: KeyFlags & { name?: string }) => {
    const key_name = requireName(positional, flags.name, 'api-keys create --name ci')
    const client = await connect(cli)
    const { projectId } = cli.options
    const created =
      flags.orgId === undefined && projectId === undefined
        ? await client.createApiKey({ body: { key_name } })
        : await client.createOrgApiKey({
            path: { org_id: flags.orgId ?? (await onlyOrganization(client)) },
            body: { key_name, ...(projectId !== undefined && { project_id: projectId }) },
          })
    await cli.output.answer(created, () =>
      renderDetails([
        ['ID', String(created.id)],
        ['Name', created.name],
        ['Project', projectId],
        ['Key', created.key],
        ['', 'Keep it now: it is not shown again.'],
      ]),
    )
  })
}

function addRevoke(keys: Command, cli: Cli): void {
  keys
    .command('revoke')
    .description('Revoke an API key; it stops working at once.')
    .argument('<id>', 'Key, by the number that `api-keys list` shows.')
    .option(...orgFlag)
    .action(async (id: string, { orgId }: KeyFlags) => {
      if (!/^\d+$/.test(id)) throw new CliError(`${id} is not the number of an API key.`)
      const client = await connect(cli)
      const key_id = Number(id)
      const revoked =
        orgId === undefined
          ? await client.revokeApiKey({ path: { key_id } })
          : await client.revokeOrgApiKey({ path: { org_id: orgId, key_id } })
      await cli.output.answer(revoked, () => `API key ${revoked.id} (${revoked.name}) is revoked.`)
    })
}

async function onlyOrganization(client: Client): Promise<string> {
  const { organizations } = await client.getCurrentUserOrganizations({})
  const [organization] = organizations
  if (organization) return organization.id
  throw new CliError('This API key may not make keys.', {
    advice: 'Use the key of the owner, which `coppice up` has made.',
  })
}

type AnyKey = ApiKey | OrganizationApiKey

async function keyTable(keys: readonly AnyKey[]): Promise<string> {
  return renderTable<AnyKey>(
    [
      { title: 'id', value: (key) => String(key.id) },
      { title: 'name', value: (key) => key.name },
      { title: 'project', value: (key) => ('project_id' in key ? key.project_id : undefined) },
      { title: 'created', value: (key) => formatTime(key.created_at) },
      { title: 'by', value: (key) => key.created_by.name },
      { title: 'used', value: (key) => formatTime(key.last_used_at ?? undefined) ?? 'never' },
    ],
    keys,
  )
}
