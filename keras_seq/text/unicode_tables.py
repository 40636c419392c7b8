"""Characters of Unicode by what tokenizers ask of them, whatever the version of a library.

TensorFlow's operations, its regular expressions and the `unicodedata` of Python each know another
version of Unicode. What decides over ids stands here instead, as the first and last code points of
ranges: so it is the same in Python, in a graph, and in later versions of either.
"""

import re

# Categories P and S, and Nd, of Unicode 15.0.
PUNCTUATION = (
    "21-2f 3a-40 5b-60 7b-7e a1-a9 ab-ac ae-b1 b4 b6-b8 bb bf d7 f7 2c2-2c5 2d2-2df 2e5-2eb 2ed "
    "2ef-2ff 375 37e 384-385 387 3f6 482 55a-55f 589-58a 58d-58f 5be 5c0 5c3 5c6 5f3-5f4 606-60f "
    "61b 61d-61f 66a-66d 6d4 6de 6e9 6fd-6fe 700-70d 7f6-7f9 7fe-7ff 830-83e 85e 888 964-965 970 "
    "9f2-9f3 9fa-9fb 9fd a76 af0-af1 b70 bf3-bfa c77 c7f c84 d4f d79 df4 e3f e4f e5a-e5b f01-f17 "
    "f1a-f1f f34 f36 f38 f3a-f3d f85 fbe-fc5 fc7-fcc fce-fda 104a-104f 109e-109f 10fb 1360-1368 "
    "1390-1399 1400 166d-166e 169b-169c 16eb-16ed 1735-1736 17d4-17d6 17d8-17db 1800-180a 1940 "
    "1944-1945 19de-19ff 1a1e-1a1f 1aa0-1aa6 1aa8-1aad 1b5a-1b6a 1b74-1b7e 1bfc-1bff 1c3b-1c3f "
    "1c7e-1c7f 1cc0-1cc7 1cd3 1fbd 1fbf-1fc1 1fcd-1fcf 1fdd-1fdf 1fed-1fef 1ffd-1ffe 2010-2027 "
    "2030-205e 207a-207e 208a-208e 20a0-20c0 2100-2101 2103-2106 2108-2109 2114 2116-2118 "
    "211e-2123 2125 2127 2129 212e 213a-213b 2140-2144 214a-214d 214f 218a-218b 2190-2426 "
    "2440-244a 249c-24e9 2500-2775 2794-2b73 2b76-2b95 2b97-2bff 2ce5-2cea 2cf9-2cfc 2cfe-2cff "
    "2d70 2e00-2e2e 2e30-2e5d 2e80-2e99 2e9b-2ef3 2f00-2fd5 2ff0-2ffb 3001-3004 3008-3020 3030 "
    "3036-3037 303d-303f 309b-309c 30a0 30fb 3190-3191 3196-319f 31c0-31e3 3200-321e 322a-3247 "
    "3250 3260-327f 328a-32b0 32c0-33ff 4dc0-4dff a490-a4c6 a4fe-a4ff a60d-a60f a673 a67e "
    "a6f2-a6f7 a700-a716 a720-a721 a789-a78a a828-a82b a836-a839 a874-a877 a8ce-a8cf a8f8-a8fa "
    "a8fc a92e-a92f a95f a9c1-a9cd a9de-a9df aa5c-aa5f aa77-aa79 aade-aadf aaf0-aaf1 ab5b "
    "ab6a-ab6b abeb fb29 fbb2-fbc2 fd3e-fd4f fdcf fdfc-fdff fe10-fe19 fe30-fe52 fe54-fe66 "
    "fe68-fe6b ff01-ff0f ff1a-ff20 ff3b-ff40 ff5b-ff65 ffe0-ffe6 ffe8-ffee fffc-fffd 10100-10102 "
    "10137-1013f 10179-10189 1018c-1018e 10190-1019c 101a0 101d0-101fc 1039f 103d0 1056f 10857 "
    "10877-10878 1091f 1093f 10a50-10a58 10a7f 10ac8 10af0-10af6 10b39-10b3f 10b99-10b9c 10ead "
    "10f55-10f59 10f86-10f89 11047-1104d 110bb-110bc 110be-110c1 11140-11143 11174-11175 "
    "111c5-111c8 111cd 111db 111dd-111df 11238-1123d 112a9 1144b-1144f 1145a-1145b 1145d 114c6 "
    "115c1-115d7 11641-11643 11660-1166c 116b9 1173c-1173f 1183b 11944-11946 119e2 11a3f-11a46 "
    "11a9a-11a9c 11a9e-11aa2 11b00-11b09 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f "
    "11fd5-11ff1 11fff 12470-12474 12ff1-12ff2 16a6e-16a6f 16af5 16b37-16b3f 16b44-16b45 "
    "16e97-16e9a 16fe2 1bc9c 1bc9f 1cf50-1cfc3 1d000-1d0f5 1d100-1d126 1d129-1d164 1d16a-1d16c "
    "1d183-1d184 1d18c-1d1a9 1d1ae-1d1ea 1d200-1d241 1d245 1d300-1d356 1d6c1 1d6db 1d6fb 1d715 "
    "1d735 1d74f 1d76f 1d789 1d7a9 1d7c3 1d800-1d9ff 1da37-1da3a 1da6d-1da74 1da76-1da83 "
    "1da85-1da8b 1e14f 1e2ff 1e95e-1e95f 1ecac 1ecb0 1ed2e 1eef0-1eef1 1f000-1f02b 1f030-1f093 "
    "1f0a0-1f0ae 1f0b1-1f0bf 1f0c1-1f0cf 1f0d1-1f0f5 1f10d-1f1ad 1f1e6-1f202 1f210-1f23b "
    "1f240-1f248 1f250-1f251 1f260-1f265 1f300-1f6d7 1f6dc-1f6ec 1f6f0-1f6fc 1f700-1f776 "
    "1f77b-1f7d9 1f7e0-1f7eb 1f7f0 1f800-1f80b 1f810-1f847 1f850-1f859 1f860-1f887 1f890-1f8ad "
    "1f8b0-1f8b1 1f900-1fa53 1fa60-1fa6d 1fa70-1fa7c 1fa80-1fa88 1fa90-1fabd 1fabf-1fac5 "
    "1face-1fadb 1fae0-1fae8 1faf0-1faf8 1fb00-1fb92 1fb94-1fbca"
)
DIGITS = (
    "30-39 660-669 6f0-6f9 7c0-7c9 966-96f 9e6-9ef a66-a6f ae6-aef b66-b6f be6-bef c66-c6f "
    "ce6-cef d66-d6f de6-def e50-e59 ed0-ed9 f20-f29 1040-1049 1090-1099 17e0-17e9 1810-1819 "
    "1946-194f 19d0-19d9 1a80-1a89 1a90-1a99 1b50-1b59 1bb0-1bb9 1c40-1c49 1c50-1c59 a620-a629 "
    "a8d0-a8d9 a900-a909 a9d0-a9d9 a9f0-a9f9 aa50-aa59 abf0-abf9 ff10-ff19 104a0-104a9 "
    "10d30-10d39 11066-1106f 110f0-110f9 11136-1113f 111d0-111d9 112f0-112f9 11450-11459 "
    "114d0-114d9 11650-11659 116c0-116c9 11730-11739 118e0-118e9 11950-11959 11c50-11c59 "
    "11d50-11d59 11da0-11da9 11f50-11f59 16a60-16a69 16ac0-16ac9 16b50-16b59 1d7ce-1d7ff "
    "1e140-1e149 1e2f0-1e2f9 1e4f0-1e4f9 1e950-1e959 1fbf0-1fbf9"
)

# What Unicode has had since 14.0 that has a case, or that the rule of the final sigma looks past;
# with ranges filled up by what there is not.
LATER_LETTERS = (
    "558 58b-58c 5c8-5c9 888 890-89f 8c9-8d2 b53-b54 c3c ece 180f 1ac1-1af0 1c89-1c8a 1dfa 208f "
    "209d-209f 2c2f 2c5f a7c0-a7c1 a7cb-a7f4 ab6c-ab6d fbc2 10570-105bc 10780-107bf 10d4e "
    "10d50-10d6d 10d6f-10d85 10ec5 10ec9-10ecf 10ef0-10eff 10f82-10f85 11070 11073-11074 110c2 "
    "11241 113bb-113c0 113ce 113d0 113d2 113e1-113e2 11b60 11b62-11b64 11b66 11dd9 11df0 "
    "11f00-11f01 11f36-11f3a 11f40 11f42 11f5a 13439-13440 13447-13455 1611e-16129 1612d-1612f "
    "16d40-16d42 16d6b-16d6c 16ea0-16ed3 16ff2-16ff3 1aff0-1affe 1cf00-1cf46 1d127-1d128 "
    "1d25b-1d25c 1d6a6 1df00-1df09 1df0b-1df7f 1df90-1dfff 1e030-1e08f 1e2ae 1e4eb-1e4ef "
    "1e5ee-1e5ef 1e6e3 1e6e6 1e6ee-1e6ef 1e6f5 1e6ff"
)

# Others that this rule has come to see in another way: each with one that it sees in the old one.
CHANGED_LETTERS = {0x1734: 0x1733, 0x1171E: 0x1171D, 0x295: 0x29A}

# Marks that Unicode has had since 15.0 and until 16.0, by their canonical combining class.
LATER_MARKS = {
    9: "113ce-113d0 11f41-11f42 1612f",
    220: "10efd-10eff 1e4ee 1e5ef",
    230: "897 10d69-10d6d 1e08f 1e4ef 1e5ee",
    232: "1e4ec-1e4ed",
}
# Likewise what is one character with another, canonically: two, and what they become.
LATER_PAIRS = """
    105d2 307 105c9, 105da 307 105e4, 11382 113c9 11383, 11384 113bb 11385, 1138b 113c2 1138e,
    11390 113c9 11391, 113c2 113c2 113c5, 113c2 113b8 113c7, 113c2 113c9 113c8, 1611e 1611e 16121,
    1611e 16129 16122, 1611e 1611f 16123, 16129 1611f 16124, 1611e 16120 16125, 16121 1611f 16126,
    16122 1611f 16127, 16121 16120 16128, 16d67 16d67 16d68, 16d63 16d67 16d69, 16d69 16d67 16d6a
"""
# Likewise what is another character but for its look: the first code point, and those of all.
LATER_LOOKS = {
    0x1CCD6: "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    0x1E030: "абвгдежзиклмопрстуфхцчшыэюꚉәіјөүӏабвгдежзиклопсуфхцчшъыґіѕџҫꙑұ",
}


def code_points(ranges):
    """Return the code points of ranges, a list.

    >>> code_points("30-32 660")
    [48, 49, 50, 1632]
    """
    ends = [[int(end, 16) for end in part.split("-")] for part in ranges.split()]
    return [code for first, *last in ends for code in range(first, (last or [first])[0] + 1)]


def as_class(ranges):
    r"""Return ranges as what stands between the brackets of a class of a regular expression.

    Python and RE2 read it.

    >>> as_class("41-5a 5d 7c")
    '\\x41-\\x5a\\x5d\\x7c'
    """
    return re.sub("[0-9a-f]+", _escaped, ranges).replace(" ", "")


def _escaped(number):
    code = int(number[0], 16)
    return f"\\x{code:02x}" if code < 128 else chr(code)
