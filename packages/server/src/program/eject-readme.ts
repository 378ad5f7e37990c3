import type { EjectedCluster } from '../control/backup/prepare-eject.ts'

interface EjectReadme extends Pick<EjectedCluster, 'branch' | 'pg_version' | 'database'> {
  directory: string
  superuser: string
}

/** What to do with an ejected data directory, as commands that can be pasted. */
export function renderEjectReadme(about: EjectReadme): string {
  const { branch, directory, pg_version: version, superuser, database } = about
  const connect = `psql 'host=127.0.0.1 user=${database?.owner ?? 'ROLE'} dbname=${database?.name ?? 'postgres'}'`
  return `# PostgreSQL ${version} data directory of branch ${branch}

The data of the branch as it was when it was ejected, stopped in order. It is a plain data directory:
nothing of Coppice is needed to run it. Roles and their passwords are those of the branch.

## On Linux

Install PostgreSQL ${version} (Debian and Ubuntu: \`sudo apt install postgresql-${version}\`, Fedora and RHEL: the
package \`postgresql${version}-server\` of yum.postgresql.org), then, as the owner of this directory:

    /usr/lib/postgresql/${version}/bin/pg_ctl -D ${directory} -l ${directory}/server.log -o '-k /tmp' -w start
    ${connect}
    /usr/lib/postgresql/${version}/bin/pg_ctl -D ${directory} -m fast -w stop

Where the programs lie elsewhere, \`pg_config --bindir\` tells (\`/usr/pgsql-${version}/bin\` on Fedora and RHEL). Another
port: \`-o '-k /tmp -p 5433'\`.

## In Docker

    docker run -d --name postgres --network host -e PGDATA=/pgdata -v ${directory}:/pgdata postgres:${version}
    ${connect}

The image gives the files to its own user. Use an image of Debian: Alpine's sorts text by other rules.

## For other machines

    echo "listen_addresses = '*'" >> ${directory}/postgresql.conf
    echo 'host all all 10.0.0.0/8 scram-sha-256' >> ${directory}/pg_hba.conf

## The superuser

It is called \`${superuser}\`, has no password, and is reached over the socket by the OS users that \`pg_ident.conf\`
names (in Docker: \`docker exec -it -u postgres postgres psql -U ${superuser} -d postgres\`):

    psql -h /tmp -U ${superuser} -d postgres

To give it a password, or another name (nobody can rename himself, so another superuser does it):

    psql -h /tmp -U ${superuser} -d postgres -c 'create role admin superuser login' -c '\\password admin'
    psql -h 127.0.0.1 -U admin -d postgres -c 'alter role ${superuser} rename to postgres'
    sed -i 's/${superuser}/postgres/' ${directory}/pg_hba.conf ${directory}/pg_ident.conf
    /usr/lib/postgresql/${version}/bin/pg_ctl -D ${directory} reload

Roles that the platform made are members of \`neon_superuser\`, which is an ordinary role.

## What is not in it

Replication slots. Subscriptions are there and begin to connect once the server runs; on the platform they
never did: \`alter subscription … disable\` those that are not wanted. Extensions need their packages here too.
`
}
