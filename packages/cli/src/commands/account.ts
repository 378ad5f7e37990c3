import type { ApiKey, RouteOutput, Routes } from '@coppice/api'
import type { Command } from 'commander'

import { connect } from '../api.ts'
import type { Cli } from '../cli.ts'
import { CliError } from '../errors.ts'
import { formatTime } from '../format.ts'
import { requireName } from '../naming.ts'
import { renderDetails, renderTable } from '../table.ts'

type Organization = RouteOutput<Routes['getCurrentUserOrganizations']>['organizations'][number]

/** `me`, `orgs` and `api-keys`. */
export function addAccount(program: Command, cli: Cli): void {
  addMe(program, cli)
  addOrganizations(program, cli)
  const keys = program
    .command('api-keys')
    .alias('api-key')
    .description('Manage API keys: what programs sign in with.')
  addKeyList(keys, cli)
  addKeyCreate(keys, cli)
  addKeyRevoke(keys, cli)
}

function addMe(program: Command, cli: Cli): void {
  program
    .command('me')
    .description('Show who the API key belongs to.')
    .action(async () => {
      const user = await (await connect(cli)).getCurrentUserInfo({})
      await cli.output.answer(user, () =>
        renderDetails([
          ['Login', user.login],
          ['Name', `${user.name} ${user.last_name}`.trim()],
          ['Email', user.email],
          ['Projects', `at most ${user.projects_limit}`],
        ]),
      )
    })
}

function addOrganizations(program: Command, cli: Cli): void {
  program
    .command('orgs')
    .alias('org')
    .description('Show organizations: here there is one.')
    .command('list')
    .description('List organizations.')
    .action(async () => {
      const { organizations } = await (await connect(cli)).getCurrentUserOrganizations({})
      await cli.output.answer(organizations, () =>
        renderTable<Organization>(
          [
            { title: 'id', value: (organization) => organization.id },
            { title: 'name', value: (organization) => organization.name },
          ],
          organizations,
        ),
      )
    })
}

function addKeyList(keys: Command, cli: Cli): void {
  keys
    .command('list')
    .description('List API keys, without the keys themselves.')
    .action(async () => {
      const list = await (await connect(cli)).listApiKeys({})
      await cli.output.answer(list, () =>
        list.length > 0
          ? keyTable(list)
          : 'No API keys found. Create one with `coppice api-keys create --name <name>`.',
      )
    })
}

function addKeyCreate(keys: Command, cli: Cli): void {
  keys
    .command('create')
    .description('Create an API key. It is shown once.')
    .argument('[name]', 'What the key is for.')
    .option('--name <name>', 'What the key is for.')
    .action(async (positional: string | undefined, flags: { name?: string }) => {
      const name = requireName(positional, flags.name, 'api-keys create --name ci')
      const created = await (await connect(cli)).createApiKey({ body: { key_name: name } })
      await cli.output.answer(created, () =>
        renderDetails([
          ['ID', String(created.id)],
          ['Name', created.name],
          ['Key', created.key],
          ['', 'Keep it now: it is not shown again.'],
        ]),
      )
    })
}

function addKeyRevoke(keys: Command, cli: Cli): void {
  keys
    .command('revoke')
    .description('Revoke an API key; it stops working at once.')
    .argument('<id>', 'Key, by the number that `api-keys list` shows.')
    .action(async (id: string) => {
      if (!/^\d+$/.test(id)) throw new CliError(`${id} is not the number of an API key.`)
      const client = await connect(cli)
      const revoked = await client.revokeApiKey({ path: { key_id: Number(id) } })
      await cli.output.answer(revoked, () => `API key ${revoked.id} (${revoked.name}) is revoked.`)
    })
}

async function keyTable(keys: readonly ApiKey[]): Promise<string> {
  return renderTable<ApiKey>(
    [
      { title: 'id', value: (key) => String(key.id) },
      { title: 'name', value: (key) => key.name },
      { title: 'created', value: (key) => formatTime(key.created_at) },
      { title: 'by', value: (key) => key.created_by.name },
      { title: 'used', value: (key) => formatTime(key.last_used_at) ?? 'never' },
    ],
    keys,
  )
}
