// Boost.JSON compiled once, here, so that no compiled Boost library is needed.
#include <boost/json/src.hpp>
