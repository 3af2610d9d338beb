# The one shell session of a page: variables and the current folder last from block to block.
package Session;

use strict;
use warnings;
use Cwd qw(realpath);

my $patience_seconds = 120;    # for one block

sub new {
    my ($class, $settings) = @_;
    my $self = bless { checkout => $settings->{checkout}, said => '' }, $class;
    $self->{state} = "$ENV{DOCS_SCRATCH}/.state";
    mkdir $self->{state};
    $ENV{PATH} = "$settings->{programs}:$ENV{PATH}";
    $ENV{HOME} = $ENV{DOCS_SCRATCH};
    $ENV{DOCS_CHECKOUT} = $settings->{checkout};
    $ENV{DOCS_LIBRARY}  = "$settings->{sources}/shell.sh";
    $ENV{DOCS_STATE}    = $self->{state};
    return $self;
}

# Runs a block. Its text is put where it stands in the page, so that bash names the right line.
# Returns the exit code and what was said.
sub run {
    my ($self, $page, $block) = @_;
    my ($script, $output) = map { "$self->{state}/$_" } qw(block.sh output);
    open my $out, '>', $script or die "$script: $!\n";
    print $out "\n" x ($block->{line} - 1), $block->{text};
    close $out;
    my @command = (qw(timeout -k 5), $patience_seconds, 'bash', $ENV{DOCS_LIBRARY}, $script, $page);
    my $status = system 'sh', '-c', 'out=$1; shift; exec "$@" >"$out" 2>&1 </dev/null', 'sh',
        $output, @command;
    my $code = $status & 127 ? 128 + ($status & 127) : $status >> 8;
    open my $in, '<', $output or die "$output: $!\n";
    my $said = do { local $/; <$in> } // '';
    $said .= "(nothing more for $patience_seconds seconds)\n" if $code == 124;
    $self->{said} = $said unless $block->{hidden};
    return ($code, $said);
}

# Where the session is now.
sub where {
    my ($self) = @_;
    open my $in, '<', "$self->{state}/directory" or return $self->{checkout};
    chomp(my $folder = <$in> // '');
    return $folder;
}

# The same, for files: a reader's files do not belong into the checkout.
sub folder {
    my ($self, $block) = @_;
    my $folder = $self->where;
    die "line $block->{line}: before a file is saved, the page must cd out of the checkout\n"
        if realpath($folder) eq realpath($self->{checkout});
    return $folder;
}

sub save {
    my ($self, $block, $name) = @_;
    my $file = $self->folder($block) . "/$name";
    open my $out, '>', $file or die "$file: $!\n";
    print $out $block->{text};
    close $out;
}

# ${NAME} in SQL and TOML that a reader has to fill in: the session's variables.
sub expand {
    my ($self, $text) = @_;
    my %value = %ENV;
    if (open my $in, '<', "$self->{state}/variables") {
        local $/;
        my $saved = <$in>;
        while ($saved =~ /^declare -x (\w+)="((?:[^"\\]|\\.)*)"/mg) {
            my ($name, $found) = ($1, $2);
            $found =~ s/\\(.)/$1/g;
            $value{$name} = $found;
        }
    }
    $text =~ s/\$\{(\w+)\}/defined $value{$1} ? $value{$1} : "\${$1}"/ge;
    return $text;
}

# Ends what the blocks left running.
sub end {
    my ($self) = @_;
    open my $in, '<', "$self->{state}/jobs" or return;
    chomp(my @pids = <$in>);
    kill TERM => @pids;
}

# --- output --------------------------------------------------------------------------------------

sub _pattern {
    my ($line) = @_;
    $line =~ s/^\s+|\s+$//g;
    my $any = quotemeta '...';
    my $pattern = join '.*', map { _parts($_) } split /$any/, $line, -1;
    return qr/^\s*$pattern\s*$/;
}

# Blanks, long hexadecimal numbers and times are whatever they are.
sub _parts {
    my ($text) = @_;
    my $time = qr/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/;
    my $out  = '';
    while (length $text) {
        if    ($text =~ s/^\s+//)          { $out .= '\s+' }
        elsif ($text =~ s/^$time//)        { $out .= $time }
        elsif ($text =~ s/^[0-9a-f]{16,}//) { $out .= '[0-9a-f]+' }
        else { $text =~ s/^(\w+|.)//s; $out .= quotemeta $1 }
    }
    return $out;
}

# The first line of $wanted that $said lacks, or undef. The lines follow each other; "..." alone on
# a line lets any others in between, $among_others lets them anywhere.
sub first_missing {
    my ($wanted, $said, $among_others, $any_order) = @_;
    my @said = grep { /\S/ } split /\n/, $said;
    my ($at, $anywhere) = (0, 1);    # the first line shown may be any
    for my $line (grep { /\S/ } split /\n/, $wanted) {
        if ($line =~ /^\s*\.\.\.\s*$/) { $anywhere = 1; next }
        my $pattern = _pattern($line);
        my $last    = $anywhere ? $#said : $at;
        my $found   = $at;
        $found++ while $found <= $last && $found <= $#said && $said[$found] !~ $pattern;
        return $line if $found > $last || $found > $#said;
        ($at, $anywhere) = ($found + 1, $among_others) unless $any_order;
    }
    return undef;
}

1;
