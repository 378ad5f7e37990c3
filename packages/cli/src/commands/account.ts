import type { RouteOutput, Routes } from '@coppice/api'
import type { Command } from 'commander'

import { connect } from '../api.ts'
import type { Cli } from '../cli.ts'
import { renderDetails, renderTable } from '../table.ts'
import { addApiKeys } from './api-keys.ts'

type Organization = RouteOutput<Routes['getCurrentUserOrganizations']>['organizations'][number]

/** `me`, `orgs` and `api-keys`. */
export function addAccount(program: Command, cli: Cli): void {
  addMe(program, cli)
  addOrganizations(program, cli)
  addApiKeys(program, cli)
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
