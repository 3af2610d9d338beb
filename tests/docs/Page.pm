# A documentation page: its fenced blocks, hidden blocks, headings and links, each with its line.
package Page;

use strict;
use warnings;

# key=value, key="value with blanks", or a word alone.
sub directives {
    my ($text) = @_;
    my %found;
    while ($text =~ /([\w-]+)(?:=(?:"([^"]*)"|(\S+)))?/g) {
        $found{$1} = defined $2 ? $2 : defined $3 ? $3 : 1;
    }
    return \%found;
}

# Returns { file, blocks => [{ tag, line, text, with => {...}, hidden }], headings, links, faults }.
# A fault is [line, text]. `line` of a block is that of its first line of text.
sub read_page {
    my ($file) = @_;
    open my $in, '<:encoding(UTF-8)', $file or die "$file: $!\n";
    chomp(my @lines = <$in>);
    my $page = { file => $file, blocks => [], headings => [], links => [], faults => [] };
    my ($with, $in_list, $blank) = (undef, 0, 1);
    for (my $i = 0; $i < @lines; $i++) {
        my $line = $lines[$i];
        if ($line =~ /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/) {
            $i = _fence($page, \@lines, $i, $1, $2, $3, $with);
            ($with, $blank) = (undef, 1);
            next;
        }
        if ($line =~ /^\s*<!-- test:/) {
            push @{ $page->{faults} }, [$i + 1, 'a test: comment before no block'] if $with;
            ($i, $with) = _comment($page, \@lines, $i);
            next;
        }
        if ($with) {
            push @{ $page->{faults} }, [$i, 'a test: comment must stand directly before a block'];
            $with = undef;
        }
        if ($line =~ /^\s*$/) { $blank = 1; next }
        if ($line =~ /^(?: {4}|\t)/ && $blank && !$in_list) {
            push @{ $page->{faults} },
                [$i + 1, 'an indented code block: a fence with a language is tested'];
        }
        if    ($line =~ /^\s*(?:[-*+]|\d+[.)])\s/) { $in_list = 1 }
        elsif ($line =~ /^\S/)                     { $in_list = 0 }
        $blank = 0;
        _prose($page, $line, $i + 1);
    }
    push @{ $page->{faults} }, [scalar @lines, 'a test: comment before no block'] if $with;
    return $page;
}

sub _fence {
    my ($page, $lines, $i, $indent, $fence, $tag, $with) = @_;
    my $first = $i + 1;
    my $end   = $first;
    my $mark  = substr $fence, 0, 1;
    my $size  = length $fence;
    $end++ while $end < @$lines && $lines->[$end] !~ /^\s*\Q$mark\E{$size,}\s*$/;
    push @{ $page->{faults} }, [$i + 1, 'this block has no end'] if $end == @$lines;
    my @text = @$lines[$first .. $end - 1];
    s/^\Q$indent\E// for @text;
    push @{ $page->{blocks} },
        { tag => $tag, line => $first + 1, text => join('', map { "$_\n" } @text),
          with => $with // {}, hidden => 0 };
    return $end;
}

# `<!-- test: ... -->` on one line is about the next block; on several it is a block of its own,
# which readers do not see: the first word is its tag.
sub _comment {
    my ($page, $lines, $i) = @_;
    return ($i, directives($1)) if $lines->[$i] =~ /^\s*<!-- test:(.*?)-->\s*$/;
    my ($tag, $rest) = $lines->[$i] =~ /^\s*<!-- test:\s*(\S*)(.*)$/;
    my $first = $i + 1;
    my $end   = $first;
    $end++ while $end < @$lines && $lines->[$end] !~ /^\s*-->\s*$/;
    push @{ $page->{faults} }, [$i + 1, 'this test: comment has no end'] if $end == @$lines;
    push @{ $page->{blocks} },
        { tag => $tag, line => $first + 1, with => directives($rest), hidden => 1,
          text => join('', map { "$_\n" } @$lines[$first .. $end - 1]) };
    return ($end, undef);
}

sub _prose {
    my ($page, $line, $number) = @_;
    push @{ $page->{headings} }, $1 if $line =~ /^#{1,6}\s+(.*?)\s*#*$/;
    (my $text = $line) =~ s/`[^`]*`//g;    # a bracket in code is no link
    push @{ $page->{links} }, [$number, $1] while $text =~ /\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g;
    push @{ $page->{links} }, [$number, $1] if $text =~ /^\s*\[[^\]]+\]:\s+(\S+)/;
}

# The anchors GitHub gives to the headings.
sub anchors {
    my ($page) = @_;
    my (%seen, %anchors);
    for my $heading (@{ $page->{headings} }) {
        my $slug = lc $heading;
        $slug =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
        $slug =~ s/[^\w\- ]//g;
        $slug =~ tr/ /-/;
        my $count = $seen{$slug}++;
        $anchors{ $count ? "$slug-$count" : $slug } = 1;
    }
    return \%anchors;
}

1;
