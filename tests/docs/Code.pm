# Compiles the C and C++ of a page: whole programs one by one, fragments of one prelude together.
package Code;

use strict;
use warnings;

my %language = (
    cpp => { suffix => 'cpp', compiler => 'cxx', standard => '-std=c++20' },
    c   => { suffix => 'c',   compiler => 'cc',  standard => '-std=c11' },
);
my @warnings = qw(-Wall -Wextra -Wpedantic -Werror -O0);

sub is_program { $_[0]->{text} =~ /^\s*int\s+main\s*\(/m }

sub _words { grep { length } split /\s+/, $_[0] }

sub _run {
    my ($settings, $language, @arguments) = @_;
    my @launcher = _words($settings->{launcher});
    my @command  = (@launcher, $settings->{ $language->{compiler} }, $language->{standard},
        @warnings, _words($settings->{includes}), @arguments);
    my $said = `@{[ join ' ', map { s/'/'\\''/gr =~ s/.*/'$&'/sr } @command ]} 2>&1`;
    return $? ? $said : undef;
}

sub _write {
    my ($file, $text) = @_;
    open my $out, '>:encoding(UTF-8)', $file or die "$file: $!\n";
    print $out $text;
    close $out;
}

# The compiler then names the page and its line.
sub _located { my ($page, $block) = @_; "#line $block->{line} \"$page\"\n$block->{text}" }

# A program `name`, or with library => 1 a shared library lib`name`.so, in $folder. Returns what is
# wrong, or undef.
sub build {
    my ($settings, $page, $block, $folder, $name) = @_;
    my $language = $language{ $block->{tag} };
    my $source   = "$ENV{DOCS_SCRATCH}/block-$block->{line}.$language->{suffix}";
    _write($source, _located($page, $block));
    my $library = $block->{with}{library};
    my @how = $library ? (qw(-fPIC -shared -o), "$folder/lib$name.so") : ('-o', "$folder/$name");
    my @with    = _words($settings->{$library ? 'switch_libraries' : 'libraries'});
    return _run($settings, $language, $source, @how, @with);
}

# What stands around a fragment. One that includes something itself begins a file.
sub _prelude {
    my ($block) = @_;
    return $block->{with}{prelude} // ($block->{text} =~ /^#include/m ? 'file' : 'default');
}

# Fragments: those of one prelude make one file. A prelude is a file in preludes/: what comes before
# the line `//--- block` stands once at the top, what comes after is repeated for each block, which
# takes the place of `@block@`. Includes of a fragment go to the top. Returns [line, fault] pairs.
sub check_fragments {
    my ($settings, $page, @blocks) = @_;
    my (%by_prelude, @faults);
    for my $block (@blocks) {
        my $prelude = join '', "$settings->{preludes}/", _prelude($block), '.',
            $language{ $block->{tag} }{suffix};
        push @{ $by_prelude{$prelude} }, $block;
    }
    for my $prelude (sort keys %by_prelude) {
        my @of = @{ $by_prelude{$prelude} };
        open my $in, '<', $prelude
            or do { push @faults, [$_->{line}, "no such prelude: $prelude"] for @of; next };
        my ($once, $each) = split m{^//--- block\n}m, do { local $/; <$in> };
        my $language = $language{ $of[0]{tag} };
        my $source   = "$ENV{DOCS_SCRATCH}/fragments-$of[0]{line}.$language->{suffix}";
        _write($source, $once . join('', map { _fragment($page, $_, $each) } @of));
        my $said = _run($settings, $language, '-fsyntax-only', $source) // next;
        my ($line) = $said =~ /^\Q$page\E:(\d+):.*?error/m;
        push @faults, [$line // $of[0]{line}, "does not compile:\n$said"];
    }
    return @faults;
}

sub _fragment {
    my ($page, $block, $each) = @_;
    my $text     = $block->{text};
    my $includes = '';
    $includes .= $1 while $text =~ s/^(#include .*\n)/\n/m;
    (my $wrapped = $each) =~ s/\@line\@/$block->{line}/g;
    my $located = _located($page, { %$block, text => $text });
    $wrapped =~ s/^.*\@block\@.*\n/$located/m;
    return $includes . $wrapped;
}

1;
