# Databases for one page on the test servers, made before its first command and dropped afterwards,
# so that pages run side by side and leave nothing.
package Servers;

use strict;
use warnings;

my @all = qw(postgresql mysql mariadb);

sub _variable { 'XABRIDGE_TEST_' . uc $_[0] }
sub _value    { my ($key, $string) = @_; $string =~ /(?:^| )$key=(\S*)/ ? $1 : '' }

# The command that reads SQL from standard input, for a connection string.
sub client {
    my ($server, $string) = @_;
    return (qw(psql -X -q -v ON_ERROR_STOP=1), $string) if $server eq 'postgresql';
    return (
        qw(mariadb --no-defaults --ssl --protocol=tcp --table),
        map { "--$_->[0]=" . _value($_->[1], $string) }
            ['host', 'host'], ['port', 'port'], ['user', 'user'], ['password', 'password'],
            ['database', 'dbname']
    );
}

# Returns what the client said, or dies with it.
sub run_sql {
    my ($server, $string, $sql) = @_;
    my @command = client($server, $string);
    my $file = "$ENV{DOCS_SCRATCH}/.sql";
    open my $out, '>:encoding(UTF-8)', $file or die "$file: $!\n";
    print $out $sql;
    close $out;
    my $said = `@{[ join ' ', map { _quoted($_) } @command ]} <@{[ _quoted($file) ]} 2>&1`;
    die $said if $?;
    return $said;
}

sub _quoted { my ($text) = @_; $text =~ s/'/'\\''/g; "'$text'" }

# Points XABRIDGE_TEST_<SERVER> and ..._ADMIN at databases of the page's own, where an administrator
# is known; returns what drop() needs.
sub create {
    my $name = "xd_${$}_" . time;
    my @made;
    for my $server (@all) {
        my $variable = _variable($server);
        my $string   = $ENV{$variable}
            or die "$variable is not set: "
            . "scripts/servers start, then eval \"\$(scripts/servers env)\"\n";
        my $admin = $ENV{"${variable}_ADMIN"} or next;
        my $user  = _value('user', $string);
        run_sql($server, $admin, $server eq 'postgresql'
            ? "CREATE DATABASE $name OWNER $user;"
            : "CREATE DATABASE $name; GRANT ALL PRIVILEGES ON $name.* TO '$user'\@'%';");
        push @made, [$server, $name, $admin, $user];
        for my $each ($variable, "${variable}_ADMIN") { $ENV{$each} =~ s/dbname=\S*/dbname=$name/ }
    }
    return \@made;
}

# Best effort: a page that failed may have left branches in doubt there.
sub drop {
    for (@{ $_[0] }) {
        my ($server, $name, $admin, $user) = @$_;
        if ($server eq 'postgresql') {
            (my $there = $admin) =~ s/dbname=\S*/dbname=$name/;
            eval {
                run_sql($server, $there, "SELECT format('ROLLBACK PREPARED %L', gid)"
                    . " FROM pg_prepared_xacts WHERE database = current_database() \\gexec\n");
            };
            eval { run_sql($server, $admin, "DROP DATABASE $name WITH (FORCE);") };
        } else {
            eval {
                run_sql($server, $admin, "SET SESSION lock_wait_timeout = 5; DROP DATABASE $name;"
                    . " REVOKE ALL PRIVILEGES ON $name.* FROM '$user'\@'%';");
            };
        }
        print "left behind: database $name on $server: $@" if $@;
    }
}

1;
