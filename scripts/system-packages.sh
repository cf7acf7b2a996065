#!/bin/sh
# Checks for the system packages that Maskbrush needs: Python's venv module, the shared libraries that Qt links to, a font.
#
# Nothing missing: silent, and no package manager is called. Something missing: installed where that is possible (Debian
# and its relatives, as root), else named together with the command that installs it.
#
# Exit status: 0 all that is required is there; 1 something required is missing; 2 wrong usage.
# Environment: PYTHON, the interpreter that the virtual environment is made with (default: the first fit one on PATH).
# Option --python: only print the interpreter that would be taken.
set -eu

PATH=$PATH:/usr/sbin:/sbin
export PATH

say() { printf '%s\n' "$*" >&2; }

# --- what is needed ------------------------------------------------------------------------------------------------------

# Shared library (its soname) and Debian package. Without these QtWidgets cannot even be imported.
REQUIRED='
libEGL.so.1             libegl1
libGL.so.1              libgl1
libX11.so.6             libx11-6
libdbus-1.so.3          libdbus-1-3
libfontconfig.so.1      libfontconfig1
libfreetype.so.6        libfreetype6
libglib-2.0.so.0        libglib2.0-0
libgthread-2.0.so.0     libglib2.0-0
libxkbcommon.so.0       libxkbcommon0
libz.so.1               zlib1g
libzstd.so.1            libzstd1
libstdc++.so.6          libstdc++6
'

# What Qt's X11 and Wayland plugins need on top. Without these Maskbrush runs offscreen only.
DESKTOP='
libX11-xcb.so.1         libx11-xcb1
libxcb-cursor.so.0      libxcb-cursor0
libxcb-glx.so.0         libxcb-glx0
libxcb-icccm.so.4       libxcb-icccm4
libxcb-image.so.0       libxcb-image0
libxcb-keysyms.so.1     libxcb-keysyms1
libxcb-randr.so.0       libxcb-randr0
libxcb-render.so.0      libxcb-render0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0       libxcb-shape0
libxcb-shm.so.0         libxcb-shm0
libxcb-sync.so.1        libxcb-sync1
libxcb-util.so.1        libxcb-util1
libxcb-xfixes.so.0      libxcb-xfixes0
libxcb-xkb.so.1         libxcb-xkb1
libxkbcommon-x11.so.0   libxkbcommon-x11-0
libwayland-client.so.0  libwayland-client0
libwayland-cursor.so.0  libwayland-cursor0
'

FONT_PACKAGE=fonts-dejavu-core

# --- what is there -------------------------------------------------------------------------------------------------------

# Whether the interpreter $1 runs and is new enough.
new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Prints the interpreter to take, or fails.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" && printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# Prints the Debian packages that bring a Python with a working venv module, nothing if there is one.
missing_python() {
    if ! python=$(find_python); then
        # Given by name and not there: nothing that we could choose for the user.
        [ -n "${PYTHON:-}" ] || printf 'python3 python3-venv\n'
    elif ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        if [ "$("$python" -c 'import sys; print(sys.version_info[:2])')" = \
             "$(/usr/bin/python3 -c 'import sys; print(sys.version_info[:2])' 2>/dev/null || true)" ]; then
            printf 'python3-venv\n'
        else
            "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
        fi
    fi
}

# Prints the lines of the table $1 whose library the dynamic loader does not know.
missing_libraries() {
    printf '%s\n' "$1" | while read -r soname package; do
        [ -n "$soname" ] || continue
        case $LIBRARIES in
            *"	$soname ("*) ;;
            *) printf '%s %s\n' "$soname" "$package" ;;
        esac
    done
}

# Whether a proportional font is installed: without one Qt shows no text, or boxes.
has_font() {
    for folder in /usr/share/fonts /usr/local/share/fonts "${HOME:-/}/.fonts" "${HOME:-/}/.local/share/fonts"; do
        [ -d "$folder" ] || continue
        found=$(find -L "$folder" -type f \( -name '*.ttf' -o -name '*.otf' -o -name '*.ttc' -o -name '*.pfb' \) \
            ! -iname '*mono*' ! -iname '*emoji*' ! -iname '*icon*' 2>/dev/null | head -n 1)
        [ -z "$found" ] || return 0
    done
    return 1
}

# Sets required_* and optional_* to what is missing: Debian packages, and libraries by soname.
check() {
    # The loader's cache, libraries of this machine's own architecture only (a 32-bit libGL does not help).
    case $(uname -m) in
        x86_64) architecture=x86-64 ;;
        aarch64) architecture=AArch64 ;;
        *) architecture=libc6 ;;
    esac
    LIBRARIES=$(ldconfig -p 2>/dev/null | grep -F "$architecture" || true)
    required_rows=
    desktop_rows=
    if [ -n "$LIBRARIES" ]; then
        required_rows=$(missing_libraries "$REQUIRED")
        desktop_rows=$(missing_libraries "$DESKTOP")
    else
        say "note: 'ldconfig -p' lists nothing here, so the libraries that Qt needs are not checked."
    fi
    required_libraries=$(printf '%s\n' "$required_rows" | cut -d ' ' -f 1 | tr '\n' ' ' | sed 's/ *$//')
    optional_libraries=$(printf '%s\n' "$desktop_rows" | cut -d ' ' -f 1 | tr '\n' ' ' | sed 's/ *$//')
    required_packages=$({ missing_python; printf '%s\n' "$required_rows" | cut -s -d ' ' -f 2
        has_font || printf '%s\n' "$FONT_PACKAGE"; } | tr ' ' '\n' | sort -u | tr '\n' ' ' | sed 's/^ *//; s/ *$//')
    optional_packages=$(printf '%s\n' "$desktop_rows" | cut -s -d ' ' -f 2 | sort -u | tr '\n' ' ' | sed 's/ *$//')
}

# --- what to do about it -------------------------------------------------------------------------------------------------

# Installs the packages named, those that this release does not have left out (check names what is still missing then).
install_with_apt() {
    say "Installing system packages: $*"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get update -q || say "note: 'apt-get update' failed; going on with the package lists at hand."
    known=
    for package in "$@"; do
        # Since the move to 64-bit time some names end in t64, with the old name left as a virtual package.
        for name in "$package" "${package}t64"; do
            if [ -n "$(apt-cache show --no-all-versions "$name" 2>/dev/null)" ]; then
                known="$known $name"
                break
            fi
        done
    done
    # Unquoted: a list of package names.
    # shellcheck disable=SC2086
    [ -z "$known" ] || apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 $known
}

# Says how to install: $1 Debian packages, $2 sonames.
advise() {
    if command -v apt-get >/dev/null 2>&1; then
        say "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $1"
        return
    fi
    for manager in dnf zypper; do
        if command -v "$manager" >/dev/null 2>&1 && [ -n "$2" ]; then
            line="    sudo $manager install"
            for soname in $2; do line="$line '$soname()(64bit)'"; done
            say "$line"
            return
        fi
    done
    [ -z "$2" ] || say "    libraries: $2"
    say "    (Debian's names of the packages: $1)"
}

case ${1:-} in
    --python)
        find_python && exit 0
        say "Maskbrush needs Python 3.11 or newer${PYTHON:+; PYTHON=$PYTHON is not}. Name one: make setup PYTHON=python3.12"
        exit 1
        ;;
    '') ;;
    *)
        say "usage: ${0##*/} [--python]"
        exit 2
        ;;
esac

# Only Linux takes Qt's libraries from the system.
[ "$(uname -s)" = Linux ] || exit 0

check
if [ -n "$required_packages$optional_packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    install_with_apt $required_packages $optional_packages >&2 || say "note: apt-get failed, see above."
    ldconfig
    check
fi
if [ -n "$optional_packages" ]; then
    say "note: a window on this machine's display needs these packages too (without them only 'QT_QPA_PLATFORM=offscreen' works):"
    advise "$optional_packages" "$optional_libraries"
fi
if [ -n "$required_packages" ]; then
    say "error: Maskbrush needs system packages that are missing. Install them and try again:"
    advise "$required_packages" "$required_libraries"
    exit 1
fi
