// SPDX-License-Identifier: MIT OR Apache-2.0
// A program that does nothing: what any program in C has.

int main(void)
{
	return 0;
}
