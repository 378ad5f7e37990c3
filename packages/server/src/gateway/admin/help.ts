/** SHOW HELP, in the form of PgBouncer's. */
import { notice } from './answers.ts'

const lines = [
  'SHOW HELP|CONFIG|DATABASES|POOLS|CLIENTS|SERVERS|USERS|VERSION',
  'SHOW PEERS|PEER_POOLS',
  'SHOW FDS|SOCKETS|ACTIVE_SOCKETS|LISTS|MEM|STATE',
  'SHOW DNS_HOSTS|DNS_ZONES',
  'SHOW STATS|STATS_TOTALS|STATS_AVERAGES|TOTALS',
  'RELOAD',
  'PAUSE [<db>]',
  'RESUME [<db>]',
  'RECONNECT [<db>]',
  'KILL [<db>]',
  'KILL_CLIENT <client_id>',
]

export const help: Buffer = notice(
  'Console usage',
  `\n${lines.map((line) => `\t${line}`).join('\n')}`,
)
